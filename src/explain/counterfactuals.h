// The smallest sets of players that satisfy a condition, found by asking: every set of a size while the budget allows, else from the best
// sets of the size before, each then made smaller as long as it still satisfies. Tested by counterfactuals_test.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "explain/game.h"

namespace filbert {

// A set, as its players in ascending order.
using PlayerSet = std::vector<std::size_t>;

struct SetQuestion {
  Game game;
  bool keeps = false;  // what is asked about is the set alone, the rest masked; else the set masked, the rest kept
  std::function<bool(std::span<const double> outputs)> satisfies;
  std::function<double(std::span<const double> outputs)> distance;  // how far a set is from it: less is nearer
  std::size_t max_sets = 3;
  std::size_t max_evals = 500;
};

struct SetAnswer {
  std::vector<PlayerSet> sets;  // of one size, the most certain first; none if none was found
  bool exact = false;           // no smaller set satisfies: all were tried
  bool stopped = false;
};

SetAnswer smallest_sets(const SetQuestion& question, const Budget& budget);

}  // namespace filbert
