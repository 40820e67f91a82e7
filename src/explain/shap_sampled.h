// Values as means over orders drawn at random, with how sure they are. In an order the players join one after the other, and each gets
// what it changes. An order is walked together with its mirror, in which what came last comes first: both are one observation, since
// they are not independent, and their mean varies far less than that of two orders. Tested by shap_sampled_test.cpp.
#pragma once

#include <cstddef>

#include "explain/partition_tree.h"
#include "explain/random.h"
#include "explain/shap_problem.h"

namespace filbert {

// The least number of pairs before sampling may stop because intervals are narrow.
constexpr std::size_t kFewestPairs = 20;

// Student's t: 97.5 % of its distribution lies below. At least one degree of freedom.
double student_t_quantile(std::size_t degrees_of_freedom);

// Owen values with a tree (orders in which every phrase stays together), Shapley values without one (`tree` is null: every order).
// Goes on until half the width of the widest 95 % interval is at most `half_width` or the budget ends; what was found for a part of
// an order is dropped then. At least two players. Without a pair there are no values, and with one no intervals.
ShapValues sampled_values(const ShapProblem& problem, const PartitionTree* tree, double half_width, RandomState& random);

}  // namespace filbert
