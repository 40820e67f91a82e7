// LIME against the package itself: the samples equal, the lines within the rounding of sums in another order.
#include "explain/lime.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "explain/lime_fit.h"
#include "explain/lime_samples.h"
#include "explain/toy_game.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using nlohmann::json;
using reference::expect_error;
using reference::ToyGame;

constexpr double kSumTolerance = 1e-9;  // float64 sums in another order, over up to 5000 samples

const json& lime_goldens() {
  static const json all = reference::explain_goldens("lime");
  return all;
}

Masks drawn(std::size_t units, std::size_t num_samples, std::uint32_t seed) {
  LimeSamples samples(units, num_samples, seed);
  Masks masks(units);
  while (masks.rows < num_samples) samples.add_next(masks);
  return masks;
}

std::vector<std::uint8_t> row_of(std::string_view digits) {
  std::vector<std::uint8_t> row;
  for (const char digit : digits) row.push_back(digit == '1');
  return row;
}

void expect_line(const LimeExplanation& line, const json& golden) {
  SCOPED_TRACE(golden.at("selection").get<std::string>() + " " + std::to_string(golden.at("num_features").get<int>()));
  ASSERT_EQ(line.features.size(), golden.at("weights").size());
  double sum = 0;
  for (std::size_t i = 0; i < line.features.size(); ++i) {
    const std::size_t feature = golden.at("weights")[i][0];
    const double weight = golden.at("weights")[i][1];
    EXPECT_NEAR(line.values.at(feature), weight, kSumTolerance) << feature;
    EXPECT_NEAR(line.values.at(line.features[i]), weight, kSumTolerance) << "the order by weight, at " << i;
    sum += std::abs(line.values.at(feature));
  }
  for (const double value : line.values) sum -= std::abs(value);
  EXPECT_NEAR(sum, 0, kSumTolerance) << "those that were not chosen weigh nothing";
  EXPECT_NEAR(line.intercept, golden.at("intercept"), kSumTolerance);
  EXPECT_NEAR(line.r2, golden.at("r2"), kSumTolerance);
  EXPECT_NEAR(line.local_pred, golden.at("local_pred"), kSumTolerance);
}

TEST(Lime, DrawsTheSamplesOfThePackage) {
  for (const json& golden : lime_goldens().at("samples")) {
    SCOPED_TRACE(golden.dump().substr(0, 60));
    const Masks masks = drawn(golden.at("units"), golden.at("num_samples"), golden.at("seed"));
    EXPECT_EQ(sha256_of({reinterpret_cast<const char*>(masks.kept.data()), masks.kept.size()}), golden.at("sha256").get<std::string>());
    std::size_t row = 0;
    for (const json& first : golden.value("first", json::array())) {
      const auto expected = row_of(first.get<std::string>());
      EXPECT_EQ(std::vector<std::uint8_t>(masks[row].begin(), masks[row].end()), expected);
      ++row;
    }
  }
}

TEST(Lime, DistancesAndWeightsAreThoseOfThePackage) {
  std::size_t found = 0;
  for (const json& golden : lime_goldens().at("samples")) {
    for (const json& sample : golden.value("by_kept", json::array())) {
      const double distance = lime_distance(sample[0], golden.at("units"));
      EXPECT_NEAR(distance, sample[1], 1e-12 * 100);  // 1e-12 of the cosine distance, which is times 100
      EXPECT_NEAR(lime_weight(distance, 25), sample[2], 1e-12);
      ++found;
    }
  }
  EXPECT_GT(found, 300U);
}

TEST(Lime, LinesFromGivenSamplesAreThoseOfThePackage) {
  for (const json& golden : lime_goldens().at("fits")) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    Masks masks(golden.at("rows")[0].get<std::string>().size());
    for (const json& row : golden.at("rows")) masks.add_row(row_of(row.get<std::string>()));
    const std::vector<double> labels = golden.at("labels");
    const std::vector<double> weights = golden.at("weights");
    for (const json& line : golden.at("lines")) {
      const FeatureSelection selection = feature_selection_from_name(line.at("selection").get<std::string>());
      expect_line(fit_line(masks, labels, weights, selection, line.at("num_features")), line);
    }
  }
}

TEST(Lime, ExplanationsAreThoseOfThePackage) {
  for (const json& golden : lime_goldens().at("explanations")) {
    SCOPED_TRACE(golden.at("text").get<std::string>());
    ToyGame toy = ToyGame::from_json(golden.at("toy"));
    for (const json& line : golden.at("lines")) {
      const LimeOptions options{.num_features = line.at("num_features"),
                                .num_samples = golden.at("num_samples"),
                                .feature_selection = feature_selection_from_name(line.at("selection").get<std::string>()),
                                .seed = golden.at("seed")};
      const LimeExplanation explanation = lime_of(toy.game(), 1, options, {});
      expect_line(explanation, line);
      EXPECT_EQ(explanation.num_samples, options.num_samples);
      EXPECT_FALSE(explanation.stopped);
    }
  }
}

TEST(Lime, SubmodularPickIsThatOfThePackage) {
  for (const json& golden : lime_goldens().at("picks")) {
    std::vector<FeatureWeights> texts;
    for (const json& row : golden.at("texts")) {
      texts.emplace_back();
      for (std::size_t feature = 0; feature < row.size(); ++feature) {
        if (row[feature] != 0) texts.back().emplace_back(feature, row[feature]);
      }
    }
    EXPECT_EQ(submodular_pick(texts, golden.at("count")), golden.at("picked").get<std::vector<std::size_t>>());
  }
  EXPECT_TRUE(submodular_pick({}, 3).empty());
}

// What a linear game's players are worth is what a line without a penalty gives them, and one that does nothing gets nothing.
TEST(Lime, LineOfALinearGameIsTheGame) {
  ToyGame toy{.bias = 0.3, .weights = {1, -2, 0, 0.5, 0.5, 4}, .linear = true};
  const Masks masks = drawn(6, 500, 3);
  std::vector<double> labels;
  std::vector<double> weights;
  for (std::size_t row = 0; row < masks.rows; ++row) {
    labels.push_back(toy.value(masks[row]));
    weights.push_back(lime_weight(lime_distance(static_cast<std::size_t>(std::accumulate(masks[row].begin(), masks[row].end(), 0)), 6), 25));
  }
  const LimeExplanation line = fit_line(masks, labels, weights, FeatureSelection::none, 10, 0);
  for (std::size_t player = 0; player < 6; ++player) EXPECT_NEAR(line.values[player], toy.weights[player], kSumTolerance) << player;
  EXPECT_NEAR(line.intercept, 0.3, kSumTolerance);
  EXPECT_NEAR(line.r2, 1, kSumTolerance);
  EXPECT_NEAR(line.local_pred, 4.3, kSumTolerance);
  EXPECT_EQ(line.features.front(), 5U);
}

TEST(Lime, EqualColumnsShareAWeightOrOneHasIt) {
  Masks masks(2);
  std::vector<double> labels;
  for (const bool kept : {true, false, false, true, false}) {
    masks.add_row(std::uint8_t{kept});
    labels.push_back(kept);
  }
  const std::vector<double> weights(5, 1.0);
  const LimeExplanation shared = fit_line(masks, labels, weights, FeatureSelection::none, 2);
  EXPECT_NEAR(shared.values[0], shared.values[1], kSumTolerance);
  for (const auto selection : {FeatureSelection::none, FeatureSelection::forward_selection}) {
    const LimeExplanation one = fit_line(masks, labels, weights, selection, 2, 0);
    EXPECT_NEAR(one.values[0], 1, kSumTolerance);
    EXPECT_EQ(one.values[1], 0);
  }
}

TEST(Lime, SamplesAreNotKept) {
  ToyGame toy{.bias = 0, .weights = {1, 2, 3, 4, 5}};
  const Game game = toy.game();
  const LimeExplanation explanation = lime_of(game, 1, {.num_samples = 200'000}, {});
  EXPECT_EQ(explanation.num_samples, 200'000U);
  EXPECT_EQ(std::accumulate(toy.calls.begin(), toy.calls.end(), std::size_t{0}), 200'000U);
  for (const std::size_t rows : toy.calls) EXPECT_LE(rows, game.batch_size);
}

TEST(Lime, BatchesDoNotMatter) {
  ToyGame toy{.bias = 0.5, .weights = {1, -2, 0.5, 3}, .pairs = {{0, 1, 2.0}}};
  Game game = toy.game();
  const LimeExplanation expected = lime_of(game, 1, {.num_samples = 301}, {});
  for (const std::size_t batch_size : {0, 1, 7, 1000}) {
    game.batch_size = batch_size;
    const LimeExplanation explanation = lime_of(game, 1, {.num_samples = 301}, {});
    EXPECT_EQ(explanation.values, expected.values);
    EXPECT_EQ(explanation.r2, expected.r2);
  }
}

TEST(Lime, StopsBetweenBatchesAndFitsWhatItHas) {
  ToyGame toy{.bias = 0, .weights = {1, 2, 3}};
  const Budget two_batches{.cancelled = [&] { return toy.calls.size() >= 2; }};
  const LimeExplanation some = lime_of(toy.game(), 1, {}, two_batches);
  EXPECT_TRUE(some.stopped);
  EXPECT_EQ(some.num_samples, 128U);
  EXPECT_GT(some.values[2], some.values[0]);

  toy.calls.clear();
  const LimeExplanation none = lime_of(toy.game(), 1, {}, {.deadline = std::chrono::steady_clock::now()});
  EXPECT_TRUE(none.stopped);
  EXPECT_EQ(none.num_samples, 1U);
  EXPECT_EQ(toy.calls, (std::vector<std::size_t>{1}));
  EXPECT_EQ(none.values, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(none.local_pred, toy.value(std::vector<std::uint8_t>{1, 1, 1}));
  EXPECT_EQ(none.r2, 0);
}

TEST(Lime, TextWithoutUnitsIsItsScore) {
  ToyGame toy{.bias = 1, .weights = {}};
  for (const auto selection : {FeatureSelection::automatic, FeatureSelection::forward_selection, FeatureSelection::lasso_path}) {
    const LimeExplanation explanation = lime_of(toy.game(), 1, {.feature_selection = selection}, {});
    EXPECT_TRUE(explanation.values.empty());
    EXPECT_TRUE(explanation.features.empty());
    EXPECT_EQ(explanation.intercept, 1 / (1 + std::exp(-1.0)));
    EXPECT_FALSE(explanation.stopped);
  }
}

TEST(Lime, NarrowKernelAndConstantModelGiveNumbers) {
  ToyGame toy{.bias = 1, .weights = {1, -1, 2}};
  ToyGame constant{.bias = 1, .weights = {0, 0, 0}};
  for (const auto selection : {FeatureSelection::none, FeatureSelection::forward_selection, FeatureSelection::highest_weights,
                               FeatureSelection::lasso_path}) {
    const LimeExplanation narrow = lime_of(toy.game(), 1, {.num_samples = 100, .kernel_width = 1e-9, .feature_selection = selection}, {});
    EXPECT_EQ(narrow.values, (std::vector<double>{0, 0, 0})) << name(selection);
    const LimeExplanation same = lime_of(constant.game(), 1, {.num_samples = 100, .feature_selection = selection}, {});
    EXPECT_EQ(same.values, (std::vector<double>{0, 0, 0})) << name(selection);
    EXPECT_EQ(same.r2, 1) << name(selection);
    EXPECT_EQ(same.intercept, same.local_pred);
  }
}

TEST(Lime, ModelThatGivesNoNumberEnds) {
  const auto no_number = [](const Masks& masks) { return std::vector<double>(masks.rows, std::numeric_limits<double>::quiet_NaN()); };
  const Game game{.num_players = 4, .num_outputs = 1, .values = no_number};
  for (const auto selection : {FeatureSelection::none, FeatureSelection::forward_selection, FeatureSelection::highest_weights,
                               FeatureSelection::lasso_path}) {
    EXPECT_EQ(lime_of(game, 0, {.num_samples = 50, .feature_selection = selection}, {}).values.size(), 4U) << name(selection);
  }
}

TEST(Lime, RefusesWhatCannotBe) {
  ToyGame toy{.bias = 1, .weights = {1, -1}};
  const auto refused = [&](std::initializer_list<std::string_view> parts, const LimeOptions& options) {
    expect_error(ErrorKind::invalid_argument, parts, [&] { lime_of(toy.game(), 1, options, {}); });
  };
  refused({"num_samples", "at least 2", "1"}, {.num_samples = 1});
  refused({"num_features", "at least 1"}, {.num_features = 0});
  refused({"kernel_width", "above 0", "-1"}, {.kernel_width = -1});
  refused({"kernel_width", "nan"}, {.kernel_width = std::nan("")});
  expect_error(ErrorKind::invalid_argument, {"feature_selection", "lasso_path", "lasso\""}, [] { feature_selection_from_name("lasso"); });
  EXPECT_TRUE(toy.calls.empty());
}

TEST(Lime, SelectionsHaveTheNamesOfThePackage) {
  for (const std::string_view each : {"auto", "none", "forward_selection", "highest_weights", "lasso_path"}) {
    EXPECT_EQ(name(feature_selection_from_name(each)), each);
  }
}

}  // namespace
}  // namespace filbert
