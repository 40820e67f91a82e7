// A game whose values are known: the sigmoid of a bias, of what each player that stays is worth, and of what pairs that both stay are.
// The goldens of tools/make_lime_goldens.py are of such games.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "explain/game.h"
#include "reference/goldens.h"

namespace filbert::reference {

struct ToyGame {
  double bias = 0;
  std::vector<double> weights;
  std::vector<std::tuple<std::size_t, std::size_t, double>> pairs = {};
  bool linear = false;                  // no sigmoid
  std::vector<std::size_t> calls = {};  // rows of each

  static ToyGame from_json(const nlohmann::json& json) {
    return {.bias = json.at("bias"), .weights = json.at("weights"), .pairs = json.at("pairs")};
  }

  double value(std::span<const std::uint8_t> kept) const {
    double sum = bias;
    for (std::size_t player = 0; player < weights.size(); ++player) sum += weights[player] * kept[player];
    for (const auto& [one, other, value] : pairs) sum += value * kept[one] * kept[other];
    return linear ? sum : 1 / (1 + std::exp(-sum));
  }

  // Two outputs, of which the second is the value; valid while this lives.
  Game game() {
    const auto values = [this](const Masks& masks) {
      calls.push_back(masks.rows);
      std::vector<double> both;
      for (std::size_t row = 0; row < masks.rows; ++row) {
        both.push_back(1 - value(masks[row]));
        both.push_back(value(masks[row]));
      }
      return both;
    };
    return {.num_players = weights.size(), .num_outputs = 2, .values = values};
  }
};

// tests/data/explain/NAME.json
inline nlohmann::json explain_goldens(const std::string& name) {
  const auto path = source_directory() / "tests" / "data" / "explain" / (name + ".json");
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": not there");
  return nlohmann::json::parse(file);
}

}  // namespace filbert::reference
