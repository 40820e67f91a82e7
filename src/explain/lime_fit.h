// LIME's line: which units it is fitted to, and the weighted ridge regression on them. Behaviour: lime 0.2 (lime_base.py) over
// scikit-learn 1.9's Ridge and lars_path; here from the samples' moments alone. Tested by lime_test.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <filbert/explain.h>

#include "explain/game.h"
#include "explain/weighted_moments.h"

namespace filbert {

// The players that the line is to have, in lime's order; `num_features` of them, or fewer: FeatureSelection::none takes all, and
// lasso_path all as well where no step of the path has a feature.
std::vector<std::size_t> select_features(const WeightedMoments& moments, FeatureSelection selection, std::size_t num_features);

// All of the explanation but `evaluations` and `stopped`. `alpha` is the penalty of the line's squared weights: lime's is 1, whatever
// the samples weigh in all. A feature that says nothing new beside those before it weighs 0 where alpha is 0.
LimeExplanation fit_line(const WeightedMoments& moments, FeatureSelection selection, std::size_t num_features, double alpha = 1);

// The same from the samples themselves, a label and a weight for each.
LimeExplanation fit_line(const Masks& samples, std::span<const double> labels, std::span<const double> weights,
                         FeatureSelection selection, std::size_t num_features, double alpha = 1);

}  // namespace filbert
