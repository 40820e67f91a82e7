// Orders in which players join one after the other, and what each changes where it joins. Tested by shap_sampled_test.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "explain/partition_tree.h"
#include "explain/shap_problem.h"

namespace filbert {

// The order in which every phrase of a tree stays together, by a coin for each join, from the root down: its left side first, or not.
std::vector<std::size_t> order_of_tree(const PartitionTree& tree, const std::function<bool()>& left_first);

// An order and its mirror, in which what came last comes first.
struct WalkedPair {
  std::vector<double> changes;  // [players] what each changes where it joins, the mean of both walks
  double widest = 0;            // how far a walk is from that mean, for the player for whom it is farthest
};

// A pair for each order, or nothing if the budget ended on the way. An order has at least one player; those that it leaves out change
// nothing.
std::optional<std::vector<WalkedPair>> walk_pairs(const ShapProblem& problem, const std::vector<std::vector<std::size_t>>& orders);

}  // namespace filbert
