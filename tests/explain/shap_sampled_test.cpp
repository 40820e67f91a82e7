#include "explain/shap_sampled.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "explain/order_walk.h"
#include "explain/owen.h"
#include "explain/shapley.h"
#include "explain/toy_games.h"
#include "reference/sanitizers.h"

namespace filbert {
namespace {

using reference::kRounding;
using reference::kInfinity;

// The values of all sets looked up: what 1,000 runs ask for again and again.
Game tabled(const Game& game) {
  const std::size_t num_players = game.num_players;
  std::vector<double> table(std::size_t{1} << num_players);
  for (std::size_t set = 0; set < table.size(); ++set) {
    std::vector<std::uint8_t> kept(num_players);
    for (std::size_t i = 0; i < num_players; ++i) kept[i] = set >> i & 1;
    table[set] = reference::value_of(game, kept);
  }
  return reference::game_of_players(num_players, [table](std::span<const std::uint8_t> kept) {
    std::size_t set = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) set |= std::size_t{kept[i]} << i;
    return table[set];
  });
}

double squash(double value) { return 1 / (1 + std::exp(-value)); }

// Games like what a classifier does with words: a sum squashed, one word that turns another around, and no rule at all.
const std::vector<std::function<double(std::span<const std::uint8_t>)>>& word_games() {
  static const std::vector<std::function<double(std::span<const std::uint8_t>)>> games = {
      [](auto kept) { return squash(1.5 * kept[0] - 0.7 * kept[1] + 0.4 * kept[2] + 2.2 * kept[3] - 1.1 * kept[4] + 0.9 * kept[6] - 0.5); },
      [](auto kept) { return squash(2.5 * kept[3] * (1 - 2.0 * kept[2]) + 0.5 * kept[0] - 0.8 * kept[5] + 0.3 * kept[6]); },
      [](auto kept) { return reference::hash_model(std::string(kept.begin(), kept.end()))[0]; },
      [](auto kept) { return std::max({0.9 * kept[0], 0.6 * kept[4], 0.5 * kept[5] * kept[6]}) + 0.1 * kept[1] * kept[2]; },
  };
  return games;
}

// Those whose pairs differ: of the others every interval holds, and says nothing of the method.
std::vector<std::size_t> varying_players(const ShapProblem& problem, const PartitionTree* tree, RandomState& random) {
  std::vector<double> low(problem.num_players(), kInfinity);
  std::vector<double> high(problem.num_players(), -kInfinity);
  for (int i = 0; i < 500; ++i) {
    const std::vector<std::size_t> order =
        tree != nullptr ? order_of_tree(*tree, [&] { return random.interval(1) == 0; }) : random.permutation(problem.num_players());
    const std::vector<double> changes = walk_pairs(problem, {order})->front().changes;
    for (std::size_t player = 0; player < changes.size(); ++player) {
      low[player] = std::min(low[player], changes[player]);
      high[player] = std::max(high[player], changes[player]);
    }
  }
  std::vector<std::size_t> varying;
  for (std::size_t player = 0; player < low.size(); ++player) {
    if (high[player] - low[player] > 1e-9) varying.push_back(player);
  }
  return varying;
}

// The share of intervals, of all units and runs together, that hold the value.
double coverage(const Game& game, const PartitionTree* tree, double half_width, int runs, RandomState& random) {
  const Budget budget;
  const ShapProblem problem(game, 0, budget);
  const std::vector<double> truth = tree != nullptr ? exact_owen(problem, *tree).values : exact_shapley(problem).values;
  const std::vector<std::size_t> varying = varying_players(problem, tree, random);
  std::size_t held = 0;
  for (int run = 0; run < runs; ++run) {
    const ShapValues found = sampled_values(problem, tree, half_width, random);
    for (const std::size_t player : varying) held += found.low[player] <= truth[player] && truth[player] <= found.high[player];
  }
  return static_cast<double>(held) / static_cast<double>(varying.size() * static_cast<std::size_t>(runs));
}

constexpr int kRuns = reference::kUnderSanitizer ? 40 : 1000;
constexpr double kSlack = reference::kUnderSanitizer ? 0.05 : 0;

// S8.
TEST(ShapSampled, IntervalsHoldTheValueInNineteenOfTwentyRuns) {
  RandomState random(8);
  double sum = 0;
  int cases = 0;
  for (std::size_t number = 0; number < word_games().size(); ++number) {
    Game game = tabled(reference::game_of_players(7, word_games()[number]));
    game.batch_size = 12;  // one pair: a look after each
    const PartitionTree tree = reference::random_tree(7, random);
    for (const PartitionTree* of : {static_cast<const PartitionTree*>(nullptr), &tree}) {
      for (const double half_width : {0.02, 0.04}) {
        const double share = coverage(game, of, half_width, kRuns, random);
        RecordProperty("game" + std::to_string(number) + (of ? "_tree_" : "_any_") + std::to_string(half_width), std::to_string(share));
        EXPECT_GE(share, 0.93 - kSlack) << number << (of ? " tree " : " any ") << half_width;
        EXPECT_LE(share, 0.97 + kSlack) << number << (of ? " tree " : " any ") << half_width;
        sum += share;
        ++cases;
      }
    }
  }
  EXPECT_NEAR(sum / cases, 0.95, 0.01 + kSlack);
}

TEST(ShapSampled, ValuesAddUpAndReachTheWidthAskedFor) {
  const Game game = reference::game_of_sets(12, reference::hash_model);
  RandomState random(9);
  const PartitionTree tree = reference::random_tree(12, random);
  const Budget budget;
  const ShapProblem problem(game, 1, budget);
  for (const PartitionTree* of : {static_cast<const PartitionTree*>(nullptr), &tree}) {
    const ShapValues found = sampled_values(problem, of, 0.05, random);
    EXPECT_FALSE(found.stopped || found.exact);
    EXPECT_GE(found.orders, kFewestPairs);
    EXPECT_NEAR(std::accumulate(found.values.begin(), found.values.end(), 0.0), problem.total(), kRounding);
    for (std::size_t i = 0; i < 12; ++i) {
      EXPECT_LE(found.high[i] - found.low[i], 0.1 + kRounding);
      EXPECT_NEAR(found.high[i] + found.low[i], 2 * found.values[i], kRounding);
    }
    const std::vector<double> truth = of ? exact_owen(problem, tree).values : exact_shapley(problem).values;
    for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(found.values[i], truth[i], 0.1);  // twice the half width
  }
}

TEST(ShapSampled, ASeedIsARun) {
  const Game game = reference::game_of_sets(9, reference::hash_model);
  const Budget budget;
  const ShapProblem problem(game, 0, budget);
  RandomState one(10);
  RandomState same(10);
  RandomState other(11);
  const ShapValues found = sampled_values(problem, nullptr, 0.05, one);
  EXPECT_EQ(found.values, sampled_values(problem, nullptr, 0.05, same).values);
  EXPECT_NE(found.values, sampled_values(problem, nullptr, 0.05, other).values);
}

TEST(ShapSampled, ALinearGameIsExactWithTheFewestPairs) {
  const Game game = reference::game_of_players(5, [](auto kept) { return 0.25 * kept[0] - 2.0 * kept[3]; });
  const Budget budget;
  RandomState random(12);
  const ShapValues found = sampled_values(ShapProblem(game, 0, budget), nullptr, 0.02, random);
  EXPECT_EQ(found.orders, std::max(kFewestPairs, (kFewestPairs + 7) / 8 * 8));  // 8 pairs in a call of 64
  EXPECT_EQ(found.values, (std::vector<double>{0.25, 0, 0, -2, 0}));
  EXPECT_EQ(found.low, found.high);
}

// Player 4 does nothing, which as many equal pairs as suffice do not prove beside players that vary.
TEST(ShapSampled, EqualPairsAreNoProof) {
  Game game = reference::game_of_players(5, [](auto kept) { return 1.0 * kept[0] * kept[1] * kept[2]; });
  game.batch_size = 8;
  const Budget budget;
  RandomState random(13);
  const ShapValues found = sampled_values(ShapProblem(game, 0, budget), nullptr, 1, random);
  EXPECT_EQ(found.orders, kFewestPairs);
  EXPECT_EQ(found.values[4], 0);
  EXPECT_GT(found.high[4], 0.05);
  // One that stands beside all others in the tree is settled by each pair.
  const PartitionTree tree = reference::tree_of_merges(5, {0, 0, 0, 0});
  const ShapValues of_tree = sampled_values(ShapProblem(game, 0, budget), &tree, 1, random);
  EXPECT_EQ(of_tree.high[4], of_tree.low[4]);
}

TEST(ShapSampled, AStopKeepsWholePairs) {
  Game game = reference::game_of_sets(20, reference::hash_model);
  game.batch_size = 10;  // a pair is four calls
  for (const int looks_left : {0, 3, 4, 9}) {
    int looks = 0;
    const Budget budget = {.deadline = {}, .cancelled = [&] { return looks++ >= looks_left; }};
    RandomState random(14);
    const ShapProblem problem(game, 0, budget);
    const ShapValues found = sampled_values(problem, nullptr, 0.01, random);
    EXPECT_TRUE(found.stopped);
    EXPECT_EQ(found.orders, static_cast<std::size_t>(looks_left / 4));
    const double total = std::accumulate(found.values.begin(), found.values.end(), 0.0);
    EXPECT_NEAR(total, looks_left < 4 ? 0 : problem.total(), kRounding);
    EXPECT_EQ(found.high[0] == kInfinity, looks_left < 8);
    EXPECT_EQ(found.low[0] == -kInfinity, looks_left < 8);
  }
}

TEST(OrderWalk, APhraseStaysTogether) {
  RandomState random(15);
  const PartitionTree tree = reference::random_tree(15, random);
  const std::vector<std::size_t> first = tree.first_leaves();
  for (int i = 0; i < 20; ++i) {
    const std::vector<std::size_t> order = order_of_tree(tree, [&] { return random.interval(1) == 0; });
    for (std::size_t node = tree.num_leaves; node < tree.num_nodes(); ++node) {
      std::vector<std::size_t> places;
      for (std::size_t at = 0; at < order.size(); ++at) {
        if (order[at] >= first[node] && order[at] < first[node] + tree.size(node)) places.push_back(at);
      }
      EXPECT_EQ(places.back() - places.front() + 1, tree.size(node));
    }
  }
}

TEST(OrderWalk, APairIsTheMeanOfBothDirections) {
  // 1 where both stay: the later of both gets it, half of it in a pair.
  const Game game = reference::game_of_players(3, [](auto kept) { return 1.0 * kept[0] * kept[2] + 4 * kept[1]; });
  const Budget budget;
  const std::vector<WalkedPair> pairs = walk_pairs(ShapProblem(game, 0, budget), {{0, 1, 2}, {2, 0, 1}}).value();
  for (const WalkedPair& pair : pairs) {
    EXPECT_EQ(pair.changes, (std::vector<double>{0.5, 4, 0.5}));
    EXPECT_EQ(pair.widest, 0.5);
  }
  EXPECT_EQ(pairs.size(), 2U);
}

TEST(StudentT, IsThatOfScipy) {
  EXPECT_NEAR(student_t_quantile(1), 12.706204736174698, 1e-9);
  EXPECT_NEAR(student_t_quantile(30), 2.0422724563012378, 1e-9);
  EXPECT_NEAR(student_t_quantile(31), 2.039513446396408, 1e-5);
  EXPECT_NEAR(student_t_quantile(100), 1.9839715185235518, 1e-5);
  EXPECT_NEAR(student_t_quantile(1000000), 1.9599663568141067, 1e-9);
}

}  // namespace
}  // namespace filbert
