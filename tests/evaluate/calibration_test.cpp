// Fits held to scipy's minima of the same losses (tools/make_calibration_goldens.py), and to what must hold of them.
#include "evaluate/calibration.h"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/measure.h"
#include "postprocess/decision.h"
#include "reference/goldens.h"

namespace filbert {
namespace {

using Json = nlohmann::json;

constexpr double kAsScipy = 1e-4;  // the goal; scipy's own minimum is no nearer than about 1e-7

const Json& calibration_goldens() {
  static const Json read = Json::parse(std::ifstream(reference::source_directory() / "tests" / "data" / "calibration.json"));
  return read;
}

LabelledLogits rows_of(const Json& golden) {
  LabelledLogits rows;
  for (const Json& row : golden.at("logits")) {
    for (const float logit : row) rows.logits.data.push_back(logit);
  }
  for (const Json& row : golden.at("truth")) {
    for (const int is_true : row) rows.is_true.push_back(static_cast<std::uint8_t>(is_true));
  }
  rows.logits.shape = {golden["logits"].size(), golden["logits"][0].size()};
  return rows;
}

FunctionToApply function_of(const Json& golden) { return function_to_apply_from_name(golden.at("function").get<std::string>()); }

TEST(Calibration, TemperatureIsScipys) {
  for (const Json& golden : calibration_goldens().at("cases")) {
    const TemperatureFit fit = fit_temperature(rows_of(golden), function_of(golden));
    EXPECT_NEAR(fit.temperature, golden["temperature"].get<double>(), kAsScipy) << golden["name"];
    EXPECT_FALSE(fit.at_bound);
  }
}

TEST(Calibration, VectorScalingIsScipys) {
  for (const Json& golden : calibration_goldens().at("cases")) {
    const LabelledLogits rows = rows_of(golden);
    const VectorFit fit = fit_vector(rows, function_of(golden));
    for (std::size_t label = 0; label < fit.weights.size(); ++label) {
      EXPECT_NEAR(fit.weights[label], golden["weights"][label].get<double>(), kAsScipy) << golden["name"] << ' ' << label;
      EXPECT_NEAR(fit.biases[label], golden["biases"][label].get<double>(), kAsScipy) << golden["name"] << ' ' << label;
    }
    EXPECT_NEAR(log_loss(rows, function_of(golden), fit.weights, fit.biases), golden["vector_loss"].get<double>(), 1e-9) << golden["name"];
  }
}

TEST(Calibration, LossAndErrorAreThoseOfTheirDefinitions) {
  for (const Json& golden : calibration_goldens().at("cases")) {
    const LabelledLogits rows = rows_of(golden);
    const std::size_t labels = rows.logits.row_size();
    EXPECT_NEAR(log_loss(rows, function_of(golden), std::vector<double>(labels, 1), std::vector<double>(labels, 0)), golden["loss"].get<double>(), 1e-12);
    Decision plain;
    plain.function = function_of(golden);
    for (std::size_t label = 0; label < labels; ++label) {
      plain.model_labels.push_back(std::to_string(label));
      plain.id2label[static_cast<int>(label)] = std::to_string(label);
      plain.merged.push_back({label});
    }
    const DecisionFigures figures = measure(rows, plain);
    EXPECT_NEAR(figures.ece, golden["ece"].get<double>(), 1e-7) << golden["name"];  // scores are floats here
    EXPECT_NEAR(figures.log_loss, golden["loss"].get<double>(), 1e-6) << golden["name"];
  }
}

TEST(Calibration, ATemperatureStopsAtItsBounds) {
  LabelledLogits rows;
  rows.logits.shape = {2, 2};
  rows.logits.data = {1, -1, -1, 1};
  rows.is_true = {1, 0, 0, 1};
  const TemperatureFit right = fit_temperature(rows, FunctionToApply::softmax);
  EXPECT_TRUE(right.at_bound);
  EXPECT_EQ(right.temperature, kLeastTemperature);
  rows.is_true = {0, 1, 1, 0};
  const TemperatureFit wrong = fit_temperature(rows, FunctionToApply::softmax);
  EXPECT_TRUE(wrong.at_bound);
  EXPECT_EQ(wrong.temperature, kMostTemperature);
}

TEST(Calibration, VectorScalingOfRowsThatAreAllRightStaysFinite) {
  LabelledLogits rows;
  rows.logits.shape = {3, 2};
  rows.logits.data = {200, -100, -3, 1, 5, 0};
  rows.is_true = {1, 0, 0, 1, 1, 0};
  for (const FunctionToApply function : {FunctionToApply::softmax, FunctionToApply::sigmoid}) {
    const VectorFit fit = fit_vector(rows, function);
    for (const double weight : fit.weights) EXPECT_TRUE(std::isfinite(weight));
    for (const double bias : fit.biases) EXPECT_TRUE(std::isfinite(bias));
    EXPECT_LT(log_loss(rows, function, fit.weights, fit.biases), log_loss(rows, function, {1, 1}, {0, 0}));
  }
}

TEST(Calibration, TheErrorOfScoresThatAreTrueIsNone) {
  const std::vector<float> scores = {0.25F, 0.25F, 0.25F, 0.25F, 1, 1};
  EXPECT_NEAR(expected_calibration_error(scores, {0, 0, 1, 0, 1, 1}, 10), 0, 1e-12);
  EXPECT_NEAR(expected_calibration_error(scores, {0, 0, 0, 0, 1, 1}, 10), 4.0 / 6 * 0.25, 1e-12);
  // An edge belongs to the bin below: 0.5 of two bins is in the first, with 0.25.
  EXPECT_NEAR(expected_calibration_error({0.5F, 0.25F}, {1, 0}, 2), std::abs(0.75 - 1) / 2, 1e-12);
}

}  // namespace
}  // namespace filbert
