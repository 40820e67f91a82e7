// Gradients of the built-in model beside what captum gave of it, and what must hold of them whatever the model.
#include "explain/gradients.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filbert/explain.h>

#include "explain/gauss_legendre.h"
#include "reference/expect_error.h"
#include "reference/goldens.h"
#include "reference/sanitizers.h"

namespace filbert {
namespace {

using nlohmann::json;
using reference::expect_error;

constexpr std::size_t kCases = reference::kUnderSanitizer ? 1 : 100, kMethods = reference::kUnderSanitizer ? 3 : 100;
constexpr std::string_view kText = reference::kUnderSanitizer ? "Not bad" : "It was not good, but I loved it!";

json gradient_goldens() { return json::parse(std::ifstream(reference::source_directory() / "tests" / "data" / "explain" / "gradients.json")); }

double sum_of(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(GaussLegendre, RulesAreNumpys) {
  const json made = gradient_goldens();
  for (const json& rule : made.at("gauss_legendre")) {
    const std::vector<double> nodes = rule.at("nodes"), weights = rule.at("weights");  // over [-1, 1]
    const Quadrature own = gauss_legendre(nodes.size());
    for (std::size_t at = 0; at < nodes.size(); ++at) {
      EXPECT_NEAR(2 * own.nodes[at] - 1, nodes[at], 1e-14) << nodes.size();
      EXPECT_NEAR(2 * own.weights[at], weights[at], 1e-14) << nodes.size();
    }
  }
}

TEST(GaussLegendre, PolynomialsAreExact) {
  for (const std::size_t n : {1u, 2u, 3u, 7u, 50u}) {
    const Quadrature rule = gauss_legendre(n);
    for (std::size_t degree = 0; degree < 2 * n; ++degree) {
      double integral = 0;
      for (std::size_t at = 0; at < n; ++at) integral += rule.weights[at] * std::pow(rule.nodes[at], degree);
      EXPECT_NEAR(integral, 1.0 / static_cast<double>(degree + 1), 1e-14);
    }
  }
}

TEST(ScoreOfLogits, SlopesAreCentralDifferences) {
  const std::vector<float> logits = {0.5f, -1.25f, 2.0f};
  using Kind = ScoreOfLogits::Kind;
  for (const ScoreOfLogits& score : {ScoreOfLogits{Kind::logit, 1, {}}, {Kind::softmax, 2, {}}, {Kind::softmax, 0, {}}, {Kind::sigmoid, 1, {}}, {Kind::softmax, 0, 2}}) {
    std::vector<float> gradient(3);
    score(logits, gradient);
    for (std::size_t at = 0; at < logits.size(); ++at) {
      std::vector<float> above = logits, below = logits;
      above[at] += 0.0078125f;
      below[at] -= 0.0078125f;
      EXPECT_NEAR(gradient[at], (score(above, {}) - score(below, {})) / 0.015625, 1e-5);
    }
  }
}

class Gradients : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    classify_ = new TextClassificationPipeline(pipeline("text-classification", reference::source_directory() / "models" / "stars-en"));
  }
  static void TearDownTestSuite() {
    delete classify_;
    classify_ = nullptr;
  }
  static Explainer explainer(const ExplainOptions& options = {}, TextInput text = {kText, std::nullopt}) {
    return {*classify_, text, options};
  }
  static TextClassificationPipeline* classify_;
};
TextClassificationPipeline* Gradients::classify_ = nullptr;

TEST_F(Gradients, AreCaptums) {
  std::vector<json> cases = gradient_goldens().at("cases");
  cases.resize(std::min(cases.size(), kCases));
  for (const json& row : cases) {
    const std::string text = row.at("text"), pair = row.value("text_pair", "");
    Explainer of_text = explainer({.target = explain_target_from_name(row.at("target").get<std::string>()), .label = row.at("label")},
                                  {text, pair.empty() ? std::nullopt : std::optional<std::string_view>(pair)});
    std::vector<json> methods = row.at("methods");
    methods.resize(std::min(methods.size(), kMethods));
    for (const json& golden : methods) {
      SCOPED_TRACE(golden.at("method").get<std::string>() + " of " + text);
      const GradientExplanation found = of_text.gradients(gradient_method_from_name(golden.at("method").get<std::string>()),
                                                          {.embedding = gradient_embedding_from_name(golden.value("embedding", "word")),
                                                           .baseline = gradient_baseline_from_name(golden.value("baseline", "pad"))});
      const std::vector<double> expected = golden.at("token_values");
      ASSERT_EQ(found.token_values.size(), expected.size());
      double largest = 0;
      for (const double value : expected) largest = std::max(largest, std::abs(value));
      for (std::size_t token = 0; token < expected.size(); ++token) EXPECT_NEAR(found.token_values[token], expected[token], 1e-4 * largest);
      if (golden.contains("gap")) {
        EXPECT_NEAR(found.gap, golden.at("gap").get<double>(), 1e-4);
      }
    }
  }
}

TEST_F(Gradients, OfUnitsAndTheRestAreThoseOfTokens) {
  for (const ExplainUnit unit : {ExplainUnit::word, ExplainUnit::token, ExplainUnit::sentence}) {
    Explainer of_text = explainer({.unit = unit});
    const GradientExplanation found = of_text.gradients(GradientMethod::input_x_gradient);
    ASSERT_EQ(found.values.size(), of_text.text().units.size());
    EXPECT_NEAR(sum_of(found.values) + found.special, sum_of(found.token_values), 1e-12);
    EXPECT_EQ(found.tokens.size(), found.token_values.size());
    EXPECT_EQ(found.tokens.front(), "[CLS]");
  }
}

TEST_F(Gradients, IntegratedAddUpToTheScore) {
  Explainer of_text = explainer();
  const GradientExplanation found = of_text.gradients(GradientMethod::integrated_gradients);
  EXPECT_NEAR(found.base_value + sum_of(found.token_values) + found.gap, of_text.text().score, 1e-6);
  EXPECT_LE(found.gap_share(), 0.01);
  EXPECT_EQ(found.evaluations, 52u);  // and both ends
  EXPECT_DOUBLE_EQ(found.token_values.front(), 0);  // [CLS] is [CLS] in the baseline too
}

TEST_F(Gradients, StepsAreAddedUntilTheGapIsAsked) {
  Explainer of_text = explainer();
  const GradientExplanation rough = of_text.gradients(GradientMethod::integrated_gradients, {.num_steps = 1});
  ASSERT_GT(rough.gap_share(), 0.01);
  const GradientExplanation finer = of_text.gradients(GradientMethod::integrated_gradients, {.num_steps = 1, .max_gap = 0.01});
  EXPECT_LE(finer.gap_share(), 0.01);
  EXPECT_GT(finer.num_steps, 1u);
}

TEST_F(Gradients, AContrastIsTheDifferenceOfLogits) {
  const auto of = [&](const std::string& label) {
    return explainer({.target = ExplainTarget::logit, .label = label}).gradients(GradientMethod::input_x_gradient).values;
  };
  const std::vector<double> up = of("5 stars"), down = of("1 star");
  const std::vector<double> both = explainer({.target = ExplainTarget::contrast, .label = "5 stars", .against = "1 star"}).gradients(GradientMethod::input_x_gradient).values;
  for (std::size_t unit = 0; unit < both.size(); ++unit) EXPECT_NEAR(both[unit], up[unit] - down[unit], 1e-5);
}

TEST_F(Gradients, SmoothGradIsDrawnBySeedAndIsSaliencyWithoutNoise) {
  Explainer of_text = explainer();
  const auto with = [&](double noise, std::uint32_t seed) {
    return of_text.gradients(GradientMethod::smoothgrad, {.num_samples = 3, .noise = noise, .seed = seed}).token_values;
  };
  EXPECT_EQ(with(0.1, 1), with(0.1, 1));
  EXPECT_NE(with(0.1, 1), with(0.1, 2));
  const std::vector<double> still = with(0, 1), saliency = of_text.gradients(GradientMethod::saliency).token_values;
  for (std::size_t token = 0; token < still.size(); ++token) EXPECT_NEAR(still[token], saliency[token], 1e-6);
}

TEST_F(Gradients, OfAModelInInt8AreThoseOfItsWeightsInF32) {
  const auto directory = reference::source_directory() / "models" / "stars-en";
  const auto narrow = pipeline("text-classification", directory, {.dtype = ComputeDtype::int8});
  const TextInput text{kText, std::nullopt};
  EXPECT_EQ(Explainer(narrow, text, {.label = "5 stars"}).gradients(GradientMethod::saliency).values,
            explainer({.label = "5 stars"}).gradients(GradientMethod::saliency).values);
}

TEST_F(Gradients, ABudgetIsKept) {
  Explainer of_text = explainer({.cancelled = [] { return true; }});
  const GradientExplanation found = of_text.gradients(GradientMethod::smoothgrad, {.num_samples = 10'000});
  EXPECT_TRUE(found.stopped);
  EXPECT_LT(found.evaluations, 1000u);
}

TEST_F(Gradients, WhatCannotBeIsNamed) {
  Explainer of_text = explainer();
  expect_error(ErrorKind::invalid_argument, {"num_steps", "from 1 to 10000", "found 0"},
               [&] { of_text.gradients(GradientMethod::integrated_gradients, {.num_steps = 0}); });
  expect_error(ErrorKind::invalid_argument, {"noise", "found -1"}, [&] { of_text.gradients(GradientMethod::smoothgrad, {.noise = -1}); });
  expect_error(ErrorKind::invalid_argument, {"label", "found \"6 stars\""}, [&] { of_text.gradients(GradientMethod::saliency, {.label = "6 stars"}); });
  Explainer as_lime = explainer({.compat = ExplainCompat::lime});
  expect_error(ErrorKind::unsupported, {"compat", "found lime"}, [&] { as_lime.gradients(GradientMethod::saliency); });
}

}  // namespace
}  // namespace filbert
