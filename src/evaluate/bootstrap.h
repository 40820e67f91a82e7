// Samples of texts with replacement (Efron and Tibshirani, An Introduction to the Bootstrap, 1993), and the intervals of what is measured on them.
// Tested by bootstrap_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/metrics.h"

namespace filbert {

// How often sample number `sample` of `seed` holds each text: [texts], they sum to texts. Depends on nothing else.
void draw_weights(std::uint64_t seed, std::size_t sample, std::span<std::uint32_t> weights);

// figures() of each sample, one row each: [bootstrap][figures].
std::vector<std::vector<double>> bootstrap(const PreparedTexts& texts, const EvaluateOptions& options);

// The value between the sorted `values` that has this share below it, as numpy.quantile has it. NaN are left out; NaN of none.
double quantile(std::vector<double>& values, double share);

// A value with the middle `confidence` of what `samples` have for it.
Measure with_interval(double value, std::vector<double> samples, double confidence);

}  // namespace filbert
