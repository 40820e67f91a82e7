// Owen values: what a phrase adds, beside its sibling and without it, is shared out between its own two sides in the same way, down to
// the players. Each join of the tree, in each of the contexts that it meets, costs two sets. Behaviour: shap 0.51 (PartitionExplainer
// with fixed_context=None). Tested by owen_test.cpp.
#pragma once

#include <cstddef>

#include "explain/partition_tree.h"
#include "explain/random.h"
#include "explain/shap_problem.h"

namespace filbert {

// How many sets the exact values take, all of them distinct, both ends included; the largest std::size_t where it is more.
std::size_t owen_coalitions(const PartitionTree& tree);

// Exact values, unless the budget ends first: what was not shared out by then is spread evenly. Keeps every set that it asked for,
// owen_coalitions() × players bytes. The tree has the game's players as leaves, at least one, as below.
ShapValues exact_owen(const ShapProblem& problem, const PartitionTree& tree);

// As PartitionExplainer with max_evals: what weighs most, by the greatest change of any output, goes first, in batches of three joins,
// and what is left in the end is spread evenly. Of equals those come first that `ties` says, which draws what numpy.random draws there.
ShapValues partition_owen(const ShapProblem& problem, const PartitionTree& tree, std::size_t max_evals, RandomState& ties);

}  // namespace filbert
