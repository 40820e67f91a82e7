// What every algorithm of SHAP is given, and what it gives back.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "explain/game.h"

namespace filbert {

// A game, the output whose values are wanted, and both ends, which are asked for whatever the budget.
struct ShapProblem {
  const Game& game;
  std::size_t output = 0;
  const Budget& budget;
  std::vector<double> none = {};  // [num_outputs] of the set without players
  std::vector<double> all = {};   // of all players

  ShapProblem(const Game& of, std::size_t wanted, const Budget& until) : game(of), output(wanted), budget(until) {
    Masks ends(game.num_players);
    ends.add_row(0);
    ends.add_row(1);
    const std::vector<double> values = game.values(ends);
    none.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(game.num_outputs));
    all.assign(values.begin() + static_cast<std::ptrdiff_t>(game.num_outputs), values.end());
  }

  std::size_t num_players() const { return game.num_players; }
  // What the players share.
  double total() const { return all[output] - none[output]; }
};

struct ShapValues {
  std::vector<double> values = {};        // [players]
  std::vector<double> low = {};           // [players] of the 95 % interval, or empty
  std::vector<double> high = {};
  std::vector<double> interactions = {};  // [joins] of the tree, the rest masked, NaN where that was not asked for; or empty: no tree
  std::size_t orders = 0;                 // walked, of an algorithm that walks orders
  bool exact = false;
  bool truncated = false;  // something was spread evenly over the players of a phrase
  bool stopped = false;
};

// Nothing is known, whatever stopped it.
inline ShapValues no_values(std::size_t num_players) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {.values = std::vector<double>(num_players),
          .low = std::vector<double>(num_players, -kInfinity),
          .high = std::vector<double>(num_players, kInfinity),
          .stopped = true};
}

}  // namespace filbert
