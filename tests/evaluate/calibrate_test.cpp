// calibrate() on rows of known make: what it lowers, what it keeps, and that what it shows was measured on rows that had no part in it.
#include <filbert/calibrate.h>

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "reference/expect_error.h"

namespace filbert {
namespace {

using reference::expect_error;

Decision plain(std::size_t labels, FunctionToApply function = FunctionToApply::softmax) {
  Decision decision;
  decision.function = function;
  for (std::size_t label = 0; label < labels; ++label) {
    decision.model_labels.push_back("label " + std::to_string(label));
    decision.id2label[static_cast<int>(label)] = decision.model_labels.back();
    decision.merged.push_back({label});
  }
  return decision;
}

double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

// Logits that are three times as sure as they should be.
LabelledLogits over_confident(std::size_t count, std::size_t labels, FunctionToApply function = FunctionToApply::softmax) {
  std::mt19937_64 random(5);
  LabelledLogits rows;
  rows.logits = Tensor({count, labels});
  rows.is_true.resize(count * labels);
  for (std::size_t row = 0; row < count; ++row) {
    Tensor own({1, labels});
    for (float& logit : own.data) logit = static_cast<float>(4 * uniform(random) - 2);
    const Tensor shares = apply(function, own);
    for (std::size_t label = 0; label < labels; ++label) rows.logits[row][label] = 3 * own.data[label];
    if (function == FunctionToApply::softmax) {
      double left = uniform(random);
      std::size_t label = 0;
      while (label + 1 < labels && left >= double{shares.data[label]}) left -= double{shares.data[label++]};
      rows.is_true[row * labels + label] = 1;
    } else {
      for (std::size_t label = 0; label < labels; ++label) rows.is_true[row * labels + label] = uniform(random) < double{shares.data[label]};
    }
  }
  return rows;
}

TEST(Calibrate, LowersErrorAndLossOfRowsThatHadNoPartInIt) {
  for (const CalibrationMethod method : {CalibrationMethod::temperature, CalibrationMethod::vector}) {
    for (const FunctionToApply function : {FunctionToApply::softmax, FunctionToApply::sigmoid}) {
      const CalibrateResult result = calibrate(over_confident(2000, 4, function), plain(4, function), {.method = method});
      EXPECT_GT(result.before.ece, 0.1);
      EXPECT_LT(result.after.ece, 0.04);
      EXPECT_LT(result.after.log_loss, result.before.log_loss);
      EXPECT_EQ(result.after.rows, 2000U);
      EXPECT_EQ(result.rows, 2000U);
      EXPECT_NEAR(1 / result.decision.weights.front(), 3, 0.4);
    }
  }
}

TEST(Calibrate, ATemperatureChangesNoAnswer) {
  const CalibrateResult result = calibrate(over_confident(500, 5), plain(5));
  EXPECT_EQ(result.before.accuracy, result.after.accuracy);
  EXPECT_EQ(result.after.coverage, 1);
  EXPECT_EQ(result.after.accuracy_of_covered, result.after.accuracy);
}

TEST(Calibrate, TheSameSeedGivesTheSameAndAnotherSeedOtherFigures) {
  const LabelledLogits rows = over_confident(300, 3);
  const CalibrateOptions options{.goal = ThresholdGoal::precision, .wanted = 0.7};
  const CalibrateResult first = calibrate(rows, plain(3), options), again = calibrate(rows, plain(3), options);
  EXPECT_EQ(decision_json(first.decision), decision_json(again.decision));
  EXPECT_EQ(first.after.log_loss, again.after.log_loss);
  CalibrateOptions other = options;
  other.seed = 1;
  const CalibrateResult moved = calibrate(rows, plain(3), other);
  EXPECT_NE(first.after.log_loss, moved.after.log_loss);
  EXPECT_EQ(decision_json(first.decision), decision_json(moved.decision));  // of all rows
}

TEST(Calibrate, AHoldoutHasNoPartInTheDecision) {
  const LabelledLogits rows = over_confident(400, 3);
  const CalibrateResult result = calibrate(rows, plain(3), {.holdout = 0.25});
  EXPECT_EQ(result.rows, 300U);
  EXPECT_EQ(result.after.rows, 100U);
  EXPECT_NE(calibrate(rows, plain(3)).decision.weights, result.decision.weights);
}

TEST(Calibrate, ThresholdsGiveThePrecisionThatWasAskedFor) {
  const LabelledLogits rows = over_confident(4000, 3);
  const CalibrateResult result = calibrate(rows, plain(3), {.goal = ThresholdGoal::precision, .wanted = 0.8});
  ASSERT_EQ(result.decision.thresholds.size(), 3U);
  for (const LabelFigures& label : measure(rows, result.decision).labels) EXPECT_GE(label.precision, 0.8) << label.label;
  for (const LabelFigures& label : result.after.labels) EXPECT_NEAR(label.precision, 0.8, 0.05) << label.label;  // of rows unseen
  EXPECT_LT(result.after.coverage, 1);
  EXPECT_GT(result.after.accuracy_of_covered, result.after.accuracy);
}

TEST(Calibrate, ThresholdsOfSeveralLabelsATextAreFoundAmongAllRows) {
  const LabelledLogits rows = over_confident(3000, 3, FunctionToApply::sigmoid);
  const Decision own = plain(3, FunctionToApply::sigmoid);
  const DecisionFigures best = measure(rows, calibrate(rows, own, {.goal = ThresholdGoal::f1}).decision);
  const DecisionFigures half = measure(rows, own);
  for (std::size_t label = 0; label < 3; ++label) EXPECT_GT(best.labels[label].f1, half.labels[label].f1);
  const DecisionFigures found = measure(rows, calibrate(rows, own, {.goal = ThresholdGoal::recall, .wanted = 0.9}).decision);
  for (const LabelFigures& label : found.labels) EXPECT_NEAR(label.recall, 0.9, 0.01);
}

TEST(Calibrate, RejectsAsManyAsTheAccuracyTakes) {
  const LabelledLogits rows = over_confident(4000, 3);
  const CalibrateResult result = calibrate(rows, plain(3), {.accuracy = 0.85});
  ASSERT_TRUE(result.decision.reject_below.has_value());
  EXPECT_GE(measure(rows, result.decision).accuracy_of_covered, 0.85);
  EXPECT_NEAR(result.after.accuracy_of_covered, 0.85, 0.04);
  EXPECT_LT(result.after.coverage, 0.9);
  const CalibrateResult too_much = calibrate(over_confident(50, 3), plain(3), {.accuracy = 1, .holdout = 0.5});
  EXPECT_LE(*too_much.decision.reject_below, 1);
}

TEST(Calibrate, SaysWhatCannotBeHad) {
  LabelledLogits rows = over_confident(200, 3);
  for (std::size_t row = 0; row < 200; ++row) rows.logits[row][2] = -50;  // no text gets it
  const CalibrateResult result = calibrate(rows, plain(3), {.goal = ThresholdGoal::precision, .wanted = 0.999});
  EXPECT_TRUE(std::isinf(result.decision.thresholds[2]));
  bool named = false;
  for (const std::string& note : result.notes) named |= note.find("\"label 2\"") != std::string::npos;
  EXPECT_TRUE(named);
}

TEST(Calibrate, MergedLabelsAreMeasuredAsOne) {
  const LabelledLogits rows = over_confident(1000, 4);
  Decision merged = plain(4);
  merged.id2label = {{0, "low"}, {1, "high"}};
  merged.merged = {{0, 1}, {2, 3}};
  merged.expected_values = {1, 2, 3, 4};
  const CalibrateResult result = calibrate(rows, merged);
  ASSERT_EQ(result.after.labels.size(), 2U);
  EXPECT_EQ(result.after.labels[0].support + result.after.labels[1].support, 1000U);
  EXPECT_GT(result.after.accuracy, calibrate(rows, plain(4)).after.accuracy);
  ASSERT_TRUE(result.after.expected_error.has_value());
  EXPECT_GT(*result.after.expected_error, 0);
}

TEST(Calibrate, RefusesWhatContradictsItself) {
  const LabelledLogits rows = over_confident(20, 3);
  const auto refuses = [&](const LabelledLogits& some, const Decision& decision, const CalibrateOptions& options, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::invalid_argument, parts, [&] { calibrate(some, decision, options); });
  };
  refuses(rows, plain(3), {.folds = 21}, {"rows", "21", "20"});
  refuses(rows, plain(3), {.folds = 1}, {"folds", "1"});
  refuses(rows, plain(3), {.holdout = 1}, {"holdout"});
  refuses(rows, plain(3), {.goal = ThresholdGoal::precision}, {"wanted"});
  refuses(rows, plain(3), {.reject_below = 0.5F, .accuracy = 0.9}, {"reject_below", "accuracy"});
  refuses(rows, plain(4), {}, {"logits", "4", "3"});
  refuses(over_confident(20, 3, FunctionToApply::sigmoid), plain(3, FunctionToApply::sigmoid), {.accuracy = 0.9}, {"sigmoid"});
  LabelledLogits bad = rows;
  bad.logits.data[4] = std::numeric_limits<float>::quiet_NaN();
  refuses(bad, plain(3), {}, {"row 1", "numbers"});
  bad = rows;
  bad.is_true.assign(bad.is_true.size(), 0);
  refuses(bad, plain(3), {}, {"row 0", "one label"});
}

}  // namespace
}  // namespace filbert
