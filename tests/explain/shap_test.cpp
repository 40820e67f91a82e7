#include "explain/shap.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <filbert/error.h>

#include "explain/toy_games.h"

namespace filbert {
namespace {

using reference::kInfinity;
using reference::sum;

using Strings = std::vector<std::string>;

const Strings kWords = {"This ", "movie ", "was ", "not ", "good, ", "but ", "the ", "acting ", "was ", "great."};

ShapExplanation explain(const Game& game, const Strings& segments, const ShapOptions& options = {}, const Budget& budget = {}) {
  return shap(game, 0, {.segments = segments}, options, budget);
}

Strings many_words(std::size_t count) {
  Strings words;
  for (std::size_t i = 0; i < count; ++i) words.push_back(kWords[i % kWords.size()]);
  return words;
}

// Additive but for one pair.
Game pair_game(std::size_t num_players) {
  return reference::game_of_players(num_players, [](auto kept) {
    double value = 0.1;
    for (std::size_t i = 0; i < kept.size(); ++i) value += 0.001 * static_cast<double>(i) * kept[i];
    return value + 0.25 * kept[0] * kept[kept.size() - 1];
  });
}

TEST(Shap, AShortTextHasExactOwenValues) {
  const ShapExplanation found = explain(reference::game_of_sets(10, reference::hash_model), kWords);
  EXPECT_EQ(found.algorithm, "Owen values, exact");
  EXPECT_TRUE(found.exact && !found.truncated && !found.stopped);
  EXPECT_TRUE(found.low.empty() && found.high.empty());
  ASSERT_EQ(found.phrases.size(), 9U);
  EXPECT_EQ(found.phrases.back().size, 10U);
  EXPECT_NEAR(found.phrases.back().value, sum(found.values), 1e-12);
  for (const Phrase& phrase : found.phrases) EXPECT_FALSE(std::isnan(phrase.interaction));
}

TEST(Shap, ALongerOneIsSampledWithIntervals) {
  const Game game = pair_game(60);
  const ShapExplanation found = explain(game, many_words(60), {.half_width = 0.05, .budget = {}});
  EXPECT_TRUE(found.algorithm.starts_with("Owen values, sampled: ")) << found.algorithm;
  EXPECT_FALSE(found.exact || found.truncated || found.stopped);
  EXPECT_NEAR(found.base_value, 0.1, 1e-12);
  EXPECT_NEAR(sum(found.values), 0.25 + 0.001 * 60 * 59 / 2, 1e-9);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_LE(found.high[i] - found.low[i], 0.1 + 1e-12);
    EXPECT_LE(found.low[i], found.values[i]);
  }
  EXPECT_NEAR(found.values[30], 0.03, 0.05);
  EXPECT_NEAR(found.phrases.back().interaction, 0.25, 1e-9);  // the pair meets at the root
}

TEST(Shap, OfMoreThanSixtyFourUnitsInteractionsAreNotAsked) {
  const ShapExplanation found = explain(pair_game(65), many_words(65), {.half_width = 0.5, .budget = {}});
  EXPECT_TRUE(std::isnan(found.phrases.back().interaction));
}

TEST(Shap, MaxEvalsDecidesWhetherOwenIsExact) {
  const Game game = reference::game_of_sets(10, reference::hash_model);
  EXPECT_FALSE(explain(game, kWords, {.max_evals = 20, .half_width = 1}).exact);
  EXPECT_TRUE(explain(game, kWords, {.algorithm = ShapAlgorithm::owen, .max_evals = 100000}).exact);
}

TEST(Shap, EveryAlgorithmSharesOutTheWhole) {
  const Game game = reference::game_of_sets(10, reference::hash_model);
  const std::vector<std::uint8_t> none(10);
  const std::vector<std::uint8_t> all(10, 1);
  const double total = reference::value_of(game, all) - reference::value_of(game, none);
  for (const ShapAlgorithm algorithm : {ShapAlgorithm::automatic, ShapAlgorithm::owen, ShapAlgorithm::partition, ShapAlgorithm::shapley,
                                        ShapAlgorithm::permutation, ShapAlgorithm::kernel}) {
    SCOPED_TRACE(name(algorithm));
    EXPECT_EQ(shap_algorithm_from_name(name(algorithm)), algorithm);
    const ShapExplanation found = explain(game, kWords, {.algorithm = algorithm, .max_evals = 100});
    EXPECT_NEAR(sum(found.values), total, 1e-9);
    EXPECT_EQ(found.base_value, reference::value_of(game, none));
    EXPECT_FALSE(found.algorithm.empty());
    const bool of_tree = algorithm != ShapAlgorithm::shapley && algorithm != ShapAlgorithm::kernel;
    EXPECT_EQ(found.phrases.size(), of_tree ? 9U : 0U);
  }
  EXPECT_THROW(shap_algorithm_from_name("deep"), Error);
}

TEST(Shap, ShapleyIsExactUpToFourteenUnits) {
  EXPECT_TRUE(explain(pair_game(14), many_words(14), {.algorithm = ShapAlgorithm::shapley}).exact);
  EXPECT_FALSE(explain(pair_game(15), many_words(15), {.algorithm = ShapAlgorithm::shapley, .half_width = 0.2}).exact);
  const Budget soon = {.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1), .cancelled = {}};
  EXPECT_FALSE(explain(pair_game(14), many_words(14), {.algorithm = ShapAlgorithm::shapley, .half_width = 0.2}, soon).exact);
}

TEST(Shap, NoUnitsHaveNoValues) {
  const ShapExplanation found = explain(reference::game_of_players(0, [](auto) { return 0.5; }), {});
  EXPECT_TRUE(found.values.empty() && found.phrases.empty() && found.exact);
  EXPECT_EQ(found.base_value, 0.5);
}

TEST(Shap, OneUnitHasAll) {
  const Game game = reference::game_of_players(1, [](auto kept) { return 0.25 + 0.5 * kept[0]; });
  for (const ShapAlgorithm algorithm : {ShapAlgorithm::automatic, ShapAlgorithm::partition, ShapAlgorithm::shapley, ShapAlgorithm::permutation,
                                        ShapAlgorithm::kernel}) {
    const ShapExplanation found = explain(game, {"word"}, {.algorithm = algorithm, .max_evals = 0});
    EXPECT_EQ(found.values, std::vector<double>{0.5});
    EXPECT_TRUE(found.exact && found.phrases.empty());
  }
}

TEST(Shap, WithoutABudgetOnlyTheEndsAreAsked) {
  const Budget cancelled = {.deadline = {}, .cancelled = [] { return true; }};
  for (const ShapAlgorithm algorithm : {ShapAlgorithm::automatic, ShapAlgorithm::partition, ShapAlgorithm::shapley, ShapAlgorithm::permutation,
                                        ShapAlgorithm::kernel}) {
    for (const std::size_t count : {10, 30}) {
      SCOPED_TRACE(std::string(name(algorithm)) + " of " + std::to_string(count));
      std::size_t asked = 0;
      Game game = reference::game_of_players(count, [&](auto kept) { return ++asked, 0.5 + 0.5 * kept[0]; });
      const ShapExplanation found = explain(game, many_words(count), {.algorithm = algorithm}, cancelled);
      EXPECT_EQ(asked, 2U);
      EXPECT_TRUE(found.stopped && !found.exact);
      EXPECT_EQ(found.base_value, 0.5);
      EXPECT_EQ(found.values, std::vector<double>(count));
      EXPECT_EQ(found.low, std::vector<double>(count, -kInfinity));
      EXPECT_EQ(found.high, std::vector<double>(count, kInfinity));
    }
  }
}

TEST(Shap, TheEarlierOfBothBudgetsEndsTheSampling) {
  const Game game = reference::game_of_sets(30, reference::hash_model);
  const ShapExplanation found = explain(game, many_words(30), {.half_width = 1e-9, .budget = std::chrono::milliseconds(20)});
  EXPECT_TRUE(found.stopped);
  const Budget soon = {.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20), .cancelled = {}};
  EXPECT_TRUE(explain(game, many_words(30), {.half_width = 1e-9, .budget = std::chrono::milliseconds::max()}, soon).stopped);
}

TEST(Shap, SamplingWithoutAnEndIsRefused) {
  const Game game = reference::game_of_sets(30, reference::hash_model);
  for (const double half_width : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(explain(game, many_words(30), {.half_width = half_width, .budget = {}}), Error);
  }
}

// shap's [CLS] and [SEP]: players that no mask reaches cost permutation nothing.
TEST(Shap, PlayersThatDoNotVaryAreNotWalked) {
  const Game game = reference::game_of_players(5, [](auto kept) { return 1.0 * kept[1] + 2.0 * kept[3]; });
  const Strings segments = {"", "good ", "old ", "food", ""};
  const std::vector<std::uint8_t> varying = {0, 1, 1, 1, 0};
  const ShapExplanation found = shap(game, 0, {.segments = segments, .varying = varying},
                                     {.algorithm = ShapAlgorithm::permutation, .max_evals = 7}, {});
  EXPECT_EQ(found.values, (std::vector<double>{0, 1, 0, 2, 0}));
}

TEST(Shap, WhereTimeIsShortPhrasesAreShared) {
  Game game = reference::game_of_sets(40, reference::hash_model);
  game.seconds_of_a_set = 1;
  const std::vector<std::string> segments(40, "word ");
  const ShapOptions options{.budget = std::chrono::milliseconds(100)};
  const ShapExplanation result = shap(game, 0, {.segments = segments}, options, {});
  EXPECT_EQ(result.algorithm, "Owen values of phrases, as far as the time went");
  game.seconds_of_a_set = 1e-9;
  EXPECT_EQ(shap(game, 0, {.segments = segments}, options, {}).algorithm.substr(0, 21), "Owen values, sampled:");
}

TEST(Shap, TenThousandUnitsEndInTime) {
  Game game = reference::game_of_players(10000, [](auto kept) { return 0.5 * kept[17]; });
  const ShapExplanation found = explain(game, many_words(10000), {.budget = std::chrono::milliseconds(50)});
  EXPECT_EQ(found.values.size(), 10000U);
  EXPECT_EQ(found.phrases.size(), 9999U);
}

}  // namespace
}  // namespace filbert
