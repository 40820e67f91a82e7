// What every method that removes parts of a text works with: a game of n players, which are the text's units, where a set of players
// that stay has a value, which is what the model says of the text with the others masked. The methods know no model and no text; who
// builds the game does (predictor.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace filbert {

// Sets of players, a row each: 1 the player stays, 0 it is masked.
struct Masks {
  std::size_t num_players = 0;
  std::size_t rows = 0;
  std::vector<std::uint8_t> kept;  // [rows, num_players]

  explicit Masks(std::size_t players) : num_players(players) {}
  // A further row of this value; valid until the next.
  std::span<std::uint8_t> add_row(std::uint8_t value) {
    kept.resize(kept.size() + num_players, value);
    return {kept.data() + num_players * rows++, num_players};
  }
  void add_row(std::span<const std::uint8_t> row) {
    kept.insert(kept.end(), row.begin(), row.end());
    ++rows;
  }
  std::span<const std::uint8_t> operator[](std::size_t row) const { return {kept.data() + num_players * row, num_players}; }
  void clear() {
    rows = 0;
    kept.clear();
  }
};

// When to stop before the end. A method looks between two calls of its game, keeps what it has and says that it stopped.
struct Budget {
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  std::function<bool()> cancelled = {};

  bool over() const {
    return (cancelled && cancelled()) || (deadline && std::chrono::steady_clock::now() >= *deadline);
  }
};

// May throw what the model throws. Not for several threads at once: the threads are the model's.
struct Game {
  std::size_t num_players = 0;
  std::size_t num_outputs = 0;  // of a set: a label each, say
  std::size_t batch_size = 64;  // sets that one call should get: enough to fill the model, few enough to stop in time
  double seconds_of_a_set = 0;  // about; 0: not known
  std::function<std::vector<double>(const Masks& masks)> values;  // [masks.rows, num_outputs]
};

}  // namespace filbert
