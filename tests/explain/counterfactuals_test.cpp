#include "explain/counterfactuals.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "explain/random.h"

namespace filbert {
namespace {

using Value = std::function<double(std::span<const std::uint8_t>)>;

Game game_of(std::size_t players, const Value& value, std::size_t* evaluations = nullptr) {
  return {.num_players = players, .num_outputs = 1, .batch_size = 16, .values = [=](const Masks& masks) {
            std::vector<double> values;
            for (std::size_t row = 0; row < masks.rows; ++row) values.push_back(value(masks[row]));
            if (evaluations != nullptr) *evaluations += masks.rows;
            return values;
          }};
}

// Sets whose removal brings the value below 0, or that alone keep it at 0 or above.
SetQuestion question(Game game, bool keeps, std::size_t max_evals = 500) {
  return {.game = std::move(game),
          .keeps = keeps,
          .satisfies = [=](std::span<const double> out) { return (out[0] >= 0) == keeps; },
          .distance = [=](std::span<const double> out) { return keeps ? -out[0] : out[0]; },
          .max_evals = max_evals};
}

Value sum_of(std::vector<double> weights, double less) {
  return [=](std::span<const std::uint8_t> kept) {
    double total = -less;
    for (std::size_t i = 0; i < weights.size(); ++i) total += kept[i] * weights[i];
    return total;
  };
}

TEST(SmallestSets, OfASumAreItsLargestTerms) {
  const Game game = game_of(5, sum_of({0.5, 3, -1, 2, 0.2}, 1.5));  // 3.2 with all
  const SetAnswer flips = smallest_sets(question(game, false), {});
  EXPECT_EQ(flips.sets, (std::vector<PlayerSet>{{1, 3}, {0, 1}}));  // −1.8 and −0.3; {1, 4} leaves 0
  EXPECT_TRUE(flips.exact);
  const SetAnswer keeps = smallest_sets(question(game, true), {});
  EXPECT_EQ(keeps.sets, (std::vector<PlayerSet>{{1}, {3}}));
  EXPECT_TRUE(keeps.exact);
}

TEST(SmallestSets, NothingMayBeNeeded) {
  const SetAnswer keeps = smallest_sets(question(game_of(3, sum_of({1, 1, 1}, -1)), true), {});
  EXPECT_EQ(keeps.sets, std::vector<PlayerSet>{{}});
  EXPECT_TRUE(keeps.exact);
  const SetAnswer flips = smallest_sets(question(game_of(3, sum_of({1, 1, 1}, -1)), false), {});
  EXPECT_TRUE(flips.sets.empty());
  EXPECT_TRUE(flips.exact);  // all 8 were tried
  EXPECT_TRUE(smallest_sets(question(game_of(0, sum_of({}, -1)), false), {}).sets.empty());
}

TEST(SmallestSets, AreThoseThatTryingAllFinds) {
  RandomState random(7);
  for (int round = 0; round < 40; ++round) {
    const std::size_t n = 3 + random.interval(6);
    std::vector<double> values(std::size_t{1} << n);
    for (double& value : values) value = random.randn() + 0.7;
    const auto index = [n](std::span<const std::uint8_t> kept) {
      std::size_t bits = 0;
      for (std::size_t i = 0; i < n; ++i) bits |= std::size_t{kept[i]} << i;
      return bits;
    };
    for (const bool keeps : {false, true}) {
      const SetAnswer answer = smallest_sets(question(game_of(n, [&](auto kept) { return values[index(kept)]; }), keeps), {});
      std::size_t smallest = n + 1;
      for (std::size_t bits = 0; bits < values.size(); ++bits) {
        const double value = values[keeps ? bits : values.size() - 1 - bits];
        if ((value >= 0) == keeps) smallest = std::min<std::size_t>(smallest, static_cast<std::size_t>(std::popcount(bits)));
      }
      EXPECT_TRUE(answer.exact);
      ASSERT_EQ(answer.sets.empty(), smallest == n + 1);
      for (const PlayerSet& set : answer.sets) EXPECT_EQ(set.size(), smallest);
    }
  }
}

TEST(SmallestSets, OfManyPlayersAreFoundWithinTheBudgetAndNeedAllTheirs) {
  std::vector<double> weights(100, 0.01);
  for (const std::size_t strong : {7, 23, 42, 77}) weights[strong] = 1;
  std::size_t evaluations = 0;
  const SetAnswer flips = smallest_sets(question(game_of(100, sum_of(weights, 1.5), &evaluations), false), {});
  ASSERT_FALSE(flips.sets.empty());
  EXPECT_EQ(flips.sets.front().size(), 4U);  // without three of them 1.96 are left, without four 0.96
  EXPECT_EQ(flips.sets.front(), (PlayerSet{7, 23, 42, 77}));
  EXPECT_FALSE(flips.exact);
  EXPECT_LE(evaluations, 500U);
}

TEST(SmallestSets, StopWhenTheyMust) {
  const SetQuestion asked = question(game_of(6, sum_of({1, 1, 1, 1, 1, 1}, 0.5)), false);
  const SetAnswer at_once = smallest_sets(asked, {.cancelled = [] { return true; }});
  EXPECT_TRUE(at_once.stopped);
  EXPECT_TRUE(at_once.sets.empty());
  EXPECT_FALSE(at_once.exact);
  const SetAnswer poor = smallest_sets(question(game_of(6, sum_of({1, 1, 1, 1, 1, 1}, 0.5)), false, 3), {});
  EXPECT_FALSE(poor.stopped);
  EXPECT_FALSE(poor.exact);
}

}  // namespace
}  // namespace filbert
