#include "evaluate/metrics.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "reference/goldens.h"

namespace filbert {
namespace {

using Json = nlohmann::json;

constexpr double kTolerance = 1e-9;  // the order of f64 sums

const Json& metric_goldens() {
  static const Json all = Json::parse(std::ifstream(reference::source_directory() / "tests" / "data" / "evaluate" / "goldens.json"));
  return all;
}

ScoredTexts texts_of(const Json& golden) {
  ScoredTexts texts;
  const std::string kind = golden.at("kind");
  texts.kind = kind == "single_label" ? EvaluationKind::single_label : kind == "multi_label" ? EvaluationKind::multi_label : EvaluationKind::regression;
  for (int label = 0; label < golden.value("num_labels", 1); ++label) texts.labels.push_back("label " + std::to_string(label));
  for (const double score : golden.at("scores")) texts.scores.push_back(static_cast<float>(score));
  if (texts.kind == EvaluationKind::single_label) texts.gold = golden.at("gold").get<std::vector<std::int32_t>>();
  if (texts.kind == EvaluationKind::multi_label) texts.gold_labels = golden.at("gold").get<std::vector<std::uint8_t>>();
  if (texts.kind == EvaluationKind::regression) texts.targets = golden.at("targets").get<std::vector<double>>();
  return texts;
}

EvaluateOptions options_of(const Json& golden) { return {.ordered = true, .threshold = golden.value("threshold", 0.5), .bootstrap = 0}; }

TEST(Metrics, FiguresEqualThoseOfScikitLearn) {
  std::size_t compared = 0;
  for (const Json& golden : metric_goldens().at("cases")) {
    const Evaluation evaluation = evaluate(texts_of(golden), options_of(golden));
    for (const auto& [name, expected] : golden.at("figures").items()) {
      EXPECT_NEAR(evaluation.at(name).value, expected.get<double>(), kTolerance) << golden.at("kind") << ' ' << evaluation.texts << ' ' << name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 70u);
}

TEST(Metrics, FiguresOfLabelsEqualThoseOfScikitLearn) {
  for (const Json& golden : metric_goldens().at("cases")) {
    if (!golden.contains("precision")) continue;
    const Evaluation evaluation = evaluate(texts_of(golden), options_of(golden));
    for (std::size_t label = 0; label < evaluation.labels.size(); ++label) {
      const LabelMeasures& measures = evaluation.per_label[label];
      if (measures.texts + measures.predicted == 0) {
        EXPECT_TRUE(std::isnan(measures.precision.value) && std::isnan(measures.recall.value) && std::isnan(measures.f1.value));
        continue;
      }
      EXPECT_NEAR(measures.precision.value, golden.at("precision")[label].get<double>(), kTolerance);
      EXPECT_NEAR(measures.recall.value, golden.at("recall")[label].get<double>(), kTolerance);
      EXPECT_NEAR(measures.f1.value, golden.at("f1")[label].get<double>(), kTolerance);
    }
    if (!golden.contains("confusion")) continue;
    EXPECT_EQ(evaluation.confusion, golden.at("confusion").get<std::vector<std::uint64_t>>());
  }
}

// ECE as Guo et al. define it (On calibration of modern neural networks, 2017): predictions in bins of equal width by their score, the distance of
// each bin's accuracy and mean score, weighted by how many it holds.
double plain_ece(const std::vector<double>& scores, const std::vector<bool>& right, std::size_t bins) {
  double error = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double low = static_cast<double>(bin) / static_cast<double>(bins), high = static_cast<double>(bin + 1) / static_cast<double>(bins);
    double count = 0, sum = 0, correct = 0;
    for (std::size_t at = 0; at < scores.size(); ++at) {
      if ((scores[at] <= low && !(bin == 0 && scores[at] == 0)) || scores[at] > high) continue;
      count += 1;
      sum += scores[at];
      correct += right[at];
    }
    if (count > 0) error += count / static_cast<double>(scores.size()) * std::abs(correct / count - sum / count);
  }
  return error;
}

TEST(Metrics, CalibrationErrorEqualsItsDefinition) {
  for (const Json& golden : metric_goldens().at("cases")) {
    const ScoredTexts texts = texts_of(golden);
    if (texts.kind == EvaluationKind::regression) continue;
    std::vector<double> scores;
    std::vector<bool> right;
    if (texts.kind == EvaluationKind::multi_label) {
      scores.assign(texts.scores.begin(), texts.scores.end());
      for (const std::uint8_t has_it : texts.gold_labels) right.push_back(has_it != 0);
    } else {
      const std::vector<std::int32_t> predicted = predictions(texts);
      for (std::size_t text = 0; text < texts.texts(); ++text) {
        scores.push_back(texts.scores[text * texts.labels.size() + static_cast<std::size_t>(predicted[text])]);
        right.push_back(predicted[text] == texts.gold[text]);
      }
    }
    for (const std::size_t bins : {1, 7, 10, 15, 100}) {
      EvaluateOptions options = options_of(golden);
      options.bins = bins;
      EXPECT_NEAR(evaluate(texts, options).at("ece").value, plain_ece(scores, right, bins), kTolerance) << bins;
    }
  }
}

TEST(Metrics, ABinHoldsItsUpperEnd) {
  EXPECT_EQ(bin_of(0, 4), 0u);
  EXPECT_EQ(bin_of(0.25, 4), 0u);
  EXPECT_EQ(bin_of(std::nextafter(0.25, 1), 4), 1u);
  EXPECT_EQ(bin_of(1, 4), 3u);
  EXPECT_EQ(bin_of(1, 1), 0u);
}

TEST(Metrics, AWeightCountsATextSoOften) {
  for (const Json& golden : metric_goldens().at("cases")) {
    const ScoredTexts texts = texts_of(golden);
    if (texts.texts() < 3) continue;
    const std::size_t labels = texts.labels.size();
    ScoredTexts twice;
    twice.kind = texts.kind;
    twice.labels = texts.labels;
    std::vector<std::uint32_t> weights(texts.texts());
    for (std::size_t text = 0; text < texts.texts(); ++text) {
      weights[text] = static_cast<std::uint32_t>(text % 3);
      for (std::size_t copy = 0; copy < text % 3; ++copy) {
        for (std::size_t at = text * labels; at < (text + 1) * labels; ++at) {
          twice.scores.push_back(texts.scores[at]);
          if (texts.kind == EvaluationKind::multi_label) twice.gold_labels.push_back(texts.gold_labels[at]);
        }
        if (texts.kind == EvaluationKind::single_label) twice.gold.push_back(texts.gold[text]);
        if (texts.kind == EvaluationKind::regression) twice.targets.push_back(texts.targets[text]);
      }
    }
    const PreparedTexts all = prepare(twice, options_of(golden));
    const std::vector<double> expected = figures(all, std::vector<std::uint32_t>(all.texts(), 1));
    const std::vector<double> found = figures(prepare(texts, options_of(golden)), weights);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t at = 0; at < found.size(); ++at) {
      if (std::isnan(expected[at])) EXPECT_TRUE(std::isnan(found[at])) << at;
      else EXPECT_NEAR(found[at], expected[at], kTolerance) << at;
    }
  }
}

TEST(Metrics, AScoreOfZeroIsALossWithAnEnd) {
  ScoredTexts texts;
  texts.labels = {"a", "b"};
  texts.scores = {0, 1};
  texts.gold = {0};
  EXPECT_NEAR(losses(texts)[0], -std::log(kLeastProbability), kTolerance);
}

TEST(Metrics, WhatCannotBeIsRefused) {
  ScoredTexts texts;
  texts.labels = {"a", "b"};
  EXPECT_THROW(evaluate(texts), Error);  // no texts
  texts.scores = {0.25F, 0.75F};
  EXPECT_THROW(evaluate(texts), Error);  // no gold
  texts.gold = {2};
  EXPECT_THROW(evaluate(texts), Error);  // no such label
  texts.gold = {1};
  EXPECT_NO_THROW(evaluate(texts));
  EXPECT_THROW(evaluate(texts, {.bins = 0}), Error);
  EXPECT_THROW(evaluate(texts, {.confidence = 1}), Error);
  EXPECT_THROW(evaluate(texts).at("f1"), Error);
  texts.scores[0] = std::nanf("");
  EXPECT_THROW(evaluate(texts), Error);
  texts.scores[0] = 1.5F;
  EXPECT_THROW(evaluate(texts), Error);
  texts.scores = {0.25F, 0.75F, 0.5F};
  EXPECT_THROW(evaluate(texts), Error);
}

TEST(McNemar, EqualsScipy) {
  for (const Json& golden : metric_goldens().at("mcnemar")) {
    const auto [exact, mid_p] = mcnemar(golden.at("only_first"), golden.at("only_second"));
    // Relative: p may be tiny. scipy's own sums are good to about 1e-10.
    EXPECT_NEAR(exact, golden.at("exact").get<double>(), 1e-9 * golden.at("exact").get<double>()) << golden;
    EXPECT_NEAR(mid_p, golden.at("mid_p").get<double>(), 1e-9 * golden.at("mid_p").get<double>()) << golden;
  }
}

}  // namespace
}  // namespace filbert
