// Shapley values: what a player changes where it joins, the mean over every order of all. And shap's two other ways to them, which
// know no tree or follow one. Tested by shapley_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "explain/partition_tree.h"
#include "explain/random.h"
#include "explain/shap_problem.h"

namespace filbert {

// The most players of which every set is asked for: 16,384 sets.
constexpr std::size_t kMostPlayersExactly = 14;

// Exact, from all 2^players sets. If the budget ends first, nothing is known. At most kMostPlayersExactly players.
ShapValues exact_shapley(const ShapProblem& problem);

// As shap's PermutationExplainer with max_evals: orders walked forwards and back, as many as they pay for. With a tree phrases stay
// together (that is what shap does with texts: Owen values) and `random` draws what numpy.random draws inside numba, without one
// what numpy.random draws. `varying` is [players] or empty, 0 of those that no mask reaches and no order holds. At least two players.
// Throws Error(invalid_argument) if max_evals does not pay for one order.
ShapValues permutation_values(const ShapProblem& problem, const PartitionTree* tree, std::size_t max_evals,
                              std::span<const std::uint8_t> varying, RandomState& random);

// As shap's KernelExplainer with nsamples = num_samples and l1_reg=False: a line fitted to sets, whose weights make its slopes Shapley
// values. Sizes of which every set can be had are exact, others are drawn as numpy.random draws them. At least two players.
// Throws Error(invalid_argument) if the sets do not determine the line, or there are more than kMostKernelPlayers.
constexpr std::size_t kMostKernelPlayers = 2000;
ShapValues kernel_values(const ShapProblem& problem, std::size_t num_samples, RandomState& random);

}  // namespace filbert
