// The lasso from no feature to all, by least angle regression: where the penalty falls, features join one by one and sometimes leave.
// Behaviour: scikit-learn 1.9, lars_path(method="lasso"), which LIME's lasso_path walks, over the centred columns times √weight; here
// from their products alone. Tested by lime_test.cpp.
#pragma once

#include <vector>

#include "explain/weighted_moments.h"

namespace filbert {

// The coefficients of all players at each step; none at the first. At most 500 steps, as there.
std::vector<std::vector<double>> lasso_path(const WeightedMoments& moments);

}  // namespace filbert
