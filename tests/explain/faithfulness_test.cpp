// Faithfulness against the package ferret, and against games whose curves are known.
#include "explain/faithfulness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/toy_game.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using nlohmann::json;
using reference::ToyGame;

FaithfulnessExplanation measured(ToyGame& toy, const std::vector<NamedValues>& methods, const Budget& budget = {}) {
  return faithfulness_of(toy.game(), 1, methods, 0, budget);
}

TEST(Faithfulness, MeasuresAreThoseOfFerret) {
  const json goldens = reference::explain_goldens("ferret");
  for (const json& golden : goldens.at("cases")) {
    ToyGame toy = ToyGame::from_json(golden.at("toy"));
    SCOPED_TRACE(toy.weights.size());
    const Faithfulness found = measured(toy, {{"given", golden.at("scores")}}).methods.at(0);
    EXPECT_NEAR(found.comprehensiveness, golden.at("comprehensiveness"), 1e-9);
    EXPECT_NEAR(found.sufficiency, golden.at("sufficiency"), 1e-9);
    // scipy has no τ for one unit; here it is 0.
    EXPECT_NEAR(found.tau_occlusion, golden.at("tau_occlusion").is_null() ? 0 : golden.at("tau_occlusion").get<double>(), 1e-9);
  }
}

TEST(Faithfulness, CurvesOfALinearGameAreItsSums) {
  ToyGame toy{.bias = 1, .weights = {0.5, 4, -1, 2}, .linear = true};
  const Faithfulness found = measured(toy, {{"own", toy.weights}}).methods.at(0);
  EXPECT_EQ(found.method, "own");
  EXPECT_EQ(found.deletion, (std::vector<double>{6.5, 2.5, 0.5, 0, 1}));
  EXPECT_EQ(found.insertion, (std::vector<double>{1, 5, 7, 7.5, 6.5}));
  EXPECT_DOUBLE_EQ(found.deletion_area, 10.5 / 5);
  EXPECT_DOUBLE_EQ(found.insertion_area, 27.0 / 5);
  EXPECT_DOUBLE_EQ(found.tau_occlusion, 1);
  // 30 % of four units are one, 50 % two, 80 % three; all that are above 0 are three.
  EXPECT_DOUBLE_EQ(found.comprehensiveness, (4 + 6 + 6.5) / 3);
  EXPECT_NEAR(found.sufficiency, (1.5 - 0.5 - 1) / 3, 1e-15);
}

TEST(Faithfulness, EqualValuesGoAsTheyStand) {
  ToyGame toy{.bias = 0, .weights = {1, 2, 4}, .linear = true};
  const Faithfulness found = measured(toy, {{"none", {0, std::nan(""), 0}}}).methods.at(0);
  EXPECT_EQ(found.insertion, (std::vector<double>{0, 1, 3, 7}));
  EXPECT_EQ(found.tau_occlusion, 0);
  EXPECT_EQ(found.comprehensiveness, 0);
  EXPECT_EQ(found.sufficiency, 1);
}

TEST(Faithfulness, LongTextsAreMeasuredAtSomeSizesAndStraightBetween) {
  ToyGame toy{.bias = 0, .weights = std::vector<double>(300, 1.0), .linear = true};
  std::vector<double> values(300);
  std::iota(values.begin(), values.end(), 1.0);
  const FaithfulnessExplanation answer = measured(toy, {{"any", values}});
  const Faithfulness& found = answer.methods.at(0);
  ASSERT_EQ(found.deletion.size(), 301U);
  ASSERT_EQ(answer.random_deletion_low.size(), 301U);
  for (std::size_t size = 0; size <= 300; ++size) {
    const auto expected = static_cast<double>(size);
    EXPECT_NEAR(found.insertion[size], expected, 1e-9);
    EXPECT_NEAR(found.deletion[size], 300 - expected, 1e-9);
    EXPECT_NEAR(answer.random_insertion_high[size], expected, 1e-9);
  }
  EXPECT_LE(std::accumulate(toy.calls.begin(), toy.calls.end(), std::size_t{0}), 302 + 2 * (64 + 10) + 2 * 64 * 20);
}

TEST(Faithfulness, NoBatchIsLargerThanAskedFor) {
  ToyGame toy{.bias = 0, .weights = std::vector<double>(30, 0.1)};
  measured(toy, {{"one", toy.weights}, {"other", toy.weights}});
  for (const std::size_t rows : toy.calls) EXPECT_LE(rows, 64U);
  EXPECT_LE(toy.calls.size(), (32 + 2 * 58 + 20 * 58) / 64 + 4);  // calls are full, but for the last of each part
}

TEST(Faithfulness, ARandomOrderLiesInTheBandAndAGoodOneBelow) {
  ToyGame toy{.bias = -2, .weights = {}};
  for (std::size_t player = 0; player < 24; ++player) toy.weights.push_back(player % 6 == 0 ? 2.0 : -0.1);
  const FaithfulnessExplanation answer = measured(toy, {{"own", toy.weights}});
  for (std::size_t size = 0; size <= 24; ++size) {
    EXPECT_LE(answer.random_deletion_low[size], answer.random_deletion_high[size]);
    EXPECT_LE(answer.random_insertion_low[size], answer.random_insertion_high[size]);
  }
  EXPECT_LT(answer.methods[0].deletion[4], answer.random_deletion_low[4]);
  EXPECT_GT(answer.methods[0].insertion[4], answer.random_insertion_high[4]);
  EXPECT_EQ(answer.random_deletion_low[0], answer.random_deletion_high[0]);
  EXPECT_EQ(answer.random_deletion_low, faithfulness_of(toy.game(), 1, {}, 0, {}).random_deletion_low);
  EXPECT_NE(answer.random_deletion_low, faithfulness_of(toy.game(), 1, {}, 1, {}).random_deletion_low);
}

TEST(Faithfulness, MethodsAgreeWithThemselvesAndNotWithTheirOpposite) {
  ToyGame toy{.bias = 0, .weights = {1, 2, 3}};
  const auto agreement = measured(toy, {{"up", {1, 2, 3}}, {"down", {3, 2, 1}}, {"half", {1, 1, 2}}}).agreement;
  const double half = 2 / std::sqrt(6.0);
  const std::vector<double> expected = {1, -1, half, -1, 1, -half, half, -half, 1};
  ASSERT_EQ(agreement.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_DOUBLE_EQ(agreement[i], expected[i]) << i;
}

TEST(Faithfulness, KendallsTauIsScipys) {
  const std::vector<double> one = {1, 2, 2, 3, 5, 4, 4, 0};
  const std::vector<double> other = {2, 1, 3, 3, 6, 5, 4, 1};
  EXPECT_NEAR(kendall_tau(one, other), 0.8461538461538463, 1e-12);  // scipy.stats.kendalltau, 1.17.1
  EXPECT_EQ(kendall_tau(std::vector<double>{1, 1}, std::vector<double>{1, 2}), 0);
  EXPECT_EQ(kendall_tau({}, {}), 0);
}

TEST(Faithfulness, TextWithoutUnitsIsItsScore) {
  ToyGame toy{.bias = 0.5, .weights = {}, .linear = true};
  const FaithfulnessExplanation answer = measured(toy, {{"none", {}}});
  EXPECT_EQ(answer.methods.at(0).deletion, (std::vector<double>{0.5}));
  EXPECT_EQ(answer.random_insertion_low, (std::vector<double>{0.5}));
  EXPECT_EQ(answer.methods.at(0).tau_occlusion, 0);
}

TEST(Faithfulness, WhatWasNotMeasuredToItsEndIsLeftOut) {
  ToyGame toy{.bias = 0, .weights = std::vector<double>(40, 0.1)};
  const std::vector<NamedValues> methods = {{"one", toy.weights}, {"two", toy.weights}};
  // One call for what all share, two for each method, 25 for the band.
  const std::map<std::size_t, std::size_t> methods_after = {{0, 0}, {1, 0}, {2, 0}, {3, 1}, {4, 1}, {5, 2}, {20, 2}};
  for (const auto& [calls, expected] : methods_after) {
    toy.calls.clear();
    const FaithfulnessExplanation answer = measured(toy, methods, {.cancelled = [&] { return toy.calls.size() >= calls; }});
    SCOPED_TRACE(calls);
    EXPECT_TRUE(answer.stopped);
    EXPECT_EQ(toy.calls.size(), calls);
    EXPECT_EQ(answer.methods.size(), expected);
    EXPECT_EQ(answer.agreement.size(), expected * expected);
    EXPECT_TRUE(answer.random_deletion_low.empty());
  }
  toy.calls.clear();
  const FaithfulnessExplanation whole = measured(toy, methods, {.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1)});
  EXPECT_FALSE(whole.stopped);
  EXPECT_EQ(whole.random_deletion_low.size(), 41U);
}

TEST(Faithfulness, EachUnitNeedsAValue) {
  ToyGame toy{.bias = 0, .weights = {1, 2, 3}};
  reference::expect_error(ErrorKind::invalid_argument, {"values of lime", "3 units", "found 2"}, [&] { measured(toy, {{"lime", {1, 2}}}); });
  EXPECT_TRUE(toy.calls.empty());
}

}  // namespace
}  // namespace filbert
