// LIME: a line fitted to what the model says of the text with random units removed, those nearest to the text counting most. Behaviour:
// the Python package lime 0.2 (Ribeiro et al., 2016, arXiv 1602.04938), whose samples these are for the same seed. Memory grows with
// the units squared, never with the samples. Tested by lime_test.cpp.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <filbert/explain.h>

#include "explain/game.h"

namespace filbert {

// Explains this output of the game; `options.label` and `bow` are the caller's business, and so is `evaluations` of the answer. Where the
// budget is over, the line is fitted to what was drawn until then; the text itself is always asked for.
// Throws Error(invalid_argument): num_samples below 2, num_features 0 where features are selected, a kernel_width that is not above 0.
LimeExplanation lime_of(const Game& game, std::size_t output, const LimeOptions& options, const Budget& budget);

// What each of a text's features weighs; a feature stands once.
using FeatureWeights = std::vector<std::pair<std::size_t, double>>;

// SP-LIME: the texts, `count` of them or all, whose explanations together hold the features that matter most over all texts, each time
// that which adds most, the last of equals, as in the package.
std::vector<std::size_t> submodular_pick(const std::vector<FeatureWeights>& texts, std::size_t count);

}  // namespace filbert
