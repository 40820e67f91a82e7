// The convex fits behind calibration: one temperature, or a factor and a summand for each label, that make the log loss of labelled rows least.
// Newton's method in double, a row after the other in one thread, so that the same rows give the same numbers. Tested by calibration_test.cpp
// against scipy's minimum of the same losses.
#pragma once

#include <cstddef>
#include <vector>

#include <filbert/calibrate.h>

namespace filbert {

// The mean log loss may be lowered without end by rows that are all right, so that a temperature has bounds, and the factors and summands of
// vector scaling a pull of this strength towards 1 and 0: half of it times the sum of their squared distances is added to the loss.
inline constexpr double kLeastTemperature = 0.01, kMostTemperature = 100;
inline constexpr double kVectorRidge = 1e-6;

struct TemperatureFit {
  double temperature = 1;
  bool at_bound = false;  // the loss falls further beyond it
};
TemperatureFit fit_temperature(const LabelledLogits& rows, FunctionToApply function);

struct VectorFit {
  std::vector<double> weights, biases;  // [labels]
};
VectorFit fit_vector(const LabelledLogits& rows, FunctionToApply function);

// The mean log loss of weights · logits + biases: of a softmax a row, of a sigmoid a row and label.
double log_loss(const LabelledLogits& rows, FunctionToApply function, const std::vector<double>& weights, const std::vector<double>& biases);

}  // namespace filbert
