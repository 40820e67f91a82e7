#include "explain/owen.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "explain/toy_games.h"

namespace filbert {
namespace {

using reference::kRounding;
using reference::expect_near;

// By the definition as a mean: a player with d joins above it, whose other sides are B_1 … B_d, gets the mean over all T of
// f(B_T and it) − f(B_T).
std::vector<double> closed_form(const Game& game, std::size_t output, const PartitionTree& tree) {
  const std::vector<std::size_t> first = tree.first_leaves();
  std::vector<double> values(tree.num_leaves);
  for (std::size_t player = 0; player < tree.num_leaves; ++player) {
    std::vector<std::size_t> siblings;
    std::size_t node = player;
    for (std::size_t i = 0; i < tree.joins.size(); ++i) {
      const PartitionTree::Join& join = tree.joins[i];
      if (join.left != node && join.right != node) continue;
      siblings.push_back(join.left == node ? join.right : join.left);
      node = tree.num_leaves + i;
    }
    for (std::size_t subset = 0; subset < std::size_t{1} << siblings.size(); ++subset) {
      std::vector<std::uint8_t> kept(tree.num_leaves);
      for (std::size_t i = 0; i < siblings.size(); ++i) {
        if (subset >> i & 1) std::fill_n(kept.begin() + static_cast<long>(first[siblings[i]]), tree.size(siblings[i]), std::uint8_t{1});
      }
      const double without = reference::value_of(game, kept, output);
      kept[player] = 1;
      values[player] += reference::value_of(game, kept, output) - without;
    }
    values[player] /= static_cast<double>(std::size_t{1} << siblings.size());
  }
  return values;
}

// Every order in which phrases stay together, and the mean of what a player changes in them.
std::vector<double> mean_over_orders(const Game& game, std::size_t output, const PartitionTree& tree) {
  std::vector<double> values(tree.num_leaves);
  const std::size_t orders = std::size_t{1} << tree.joins.size();
  for (std::size_t coins = 0; coins < orders; ++coins) {
    std::vector<std::vector<std::size_t>> players(tree.num_nodes());
    for (std::size_t i = 0; i < tree.num_leaves; ++i) players[i] = {i};
    for (std::size_t i = 0; i < tree.joins.size(); ++i) {
      const bool left_first = coins >> i & 1;
      const auto& [left, right, size] = tree.joins[i];
      players[tree.num_leaves + i] = players[left_first ? left : right];
      const std::vector<std::size_t>& then = players[left_first ? right : left];
      players[tree.num_leaves + i].insert(players[tree.num_leaves + i].end(), then.begin(), then.end());
    }
    std::vector<std::uint8_t> kept(tree.num_leaves);
    for (const std::size_t player : players.back()) {
      const double without = reference::value_of(game, kept, output);
      kept[player] = 1;
      values[player] += (reference::value_of(game, kept, output) - without) / static_cast<double>(orders);
    }
  }
  return values;
}

TEST(Owen, RecursionIsTheClosedFormAndTheMeanOverOrders) {
  RandomState random(1);
  for (std::size_t num_players = 1; num_players <= 10; ++num_players) {
    SCOPED_TRACE(num_players);
    const PartitionTree tree = reference::random_tree(num_players, random);
    const Game game = reference::game_of_sets(num_players, reference::hash_model);
    const Budget budget;
    for (const std::size_t output : {0, 1}) {
      const ShapValues found = exact_owen(ShapProblem(game, output, budget), tree);
      EXPECT_TRUE(found.exact && !found.truncated && !found.stopped && found.low.empty());
      expect_near(found.values, closed_form(game, output, tree), kRounding);
      expect_near(found.values, mean_over_orders(game, output, tree), kRounding);
    }
  }
}

TEST(Owen, CoalitionsAreThoseOfTheRun) {
  const std::vector<std::string> cannoli = {"", "I ", "ate ", "a ", "Can", "no", "li", ""};
  EXPECT_EQ(owen_coalitions(partition_tree(cannoli)), 52U);
  const std::vector<std::string> movie = {"",    "This ", "movie ", "was ", "not ", "good", ", ", "but ", "the ", "act", "ing ", "was ",
                                          "great", ".",   ""};
  EXPECT_EQ(owen_coalitions(partition_tree(movie)), 312U);
  const std::vector<std::string> great = {"", "It ", "'", "s ", "great ", ""};
  EXPECT_EQ(owen_coalitions(partition_tree(great)), 36U);
  EXPECT_EQ(owen_coalitions(PartitionTree()), 1U);
  EXPECT_EQ(owen_coalitions(PartitionTree{.num_leaves = 1, .joins = {}}), 2U);

  std::size_t asked = 0;
  Game game = reference::game_of_players(8, [&](std::span<const std::uint8_t>) { return static_cast<double>(++asked); });
  const Budget budget;
  exact_owen(ShapProblem(game, 0, budget), partition_tree(cannoli));
  EXPECT_EQ(asked, 52U);
}

TEST(Owen, ADeepTreeTakesMoreThanAnyNumber) {
  PartitionTree tree = {.num_leaves = 100, .joins = {{0, 1, 2}}};
  for (std::size_t i = 2; i < 100; ++i) tree.joins.push_back({tree.root(), i, i + 1});
  EXPECT_EQ(owen_coalitions(tree), std::numeric_limits<std::size_t>::max());
}

// S3 and S5: as PartitionExplainer, exact and truncated at 500, 101, 3 and 2 texts, with ties broken by the same draws.
TEST(Owen, PartitionIsThatOfShap) {
  const nlohmann::json goldens = reference::golden("shap_values.json");
  for (const nlohmann::json& run : goldens["partition"]) {
    SCOPED_TRACE(run["game"].get<std::string>() + ": " + run["text"].get<std::string>());
    const ShapText text = reference::shap_text(run["family"], run["text"]);
    const PartitionTree tree = partition_tree(text.segments(), text.separator());
    std::size_t asked = 0;
    Game game = reference::game_of_text(text, reference::toy_model(run["game"]));
    game.values = [&asked, values = game.values](const Masks& masks) {
      asked += masks.rows;
      return values(masks);
    };
    const Budget budget;
    for (const std::size_t output : {0, 1}) {
      asked = 0;
      RandomState ties(run["seed"].get<std::uint32_t>());
      const ShapProblem problem(game, output, budget);
      const ShapValues found = partition_owen(problem, tree, run["max_evals"], ties);
      EXPECT_EQ(problem.none[output], run["base_values"][output].get<double>());
      expect_near(found.values, run["values"][output].get<std::vector<double>>(), kRounding);
      EXPECT_EQ(asked, run["evaluations"].get<std::size_t>());
      const bool all = owen_coalitions(tree) <= run["max_evals"].get<std::size_t>();
      EXPECT_EQ(found.exact, all);
      EXPECT_EQ(found.truncated, !all);
      if (all) expect_near(exact_owen(problem, tree).values, found.values, kRounding);
    }
  }
}

TEST(Owen, InteractionIsWhatBothSidesDoTogether) {
  // Players 0 and 1 only together give 1, player 2 takes half of it away.
  const Game game = reference::game_of_players(4, [](auto kept) { return kept[0] * kept[1] * (1 - 0.5 * kept[2]); });
  const PartitionTree tree = reference::tree_of_merges(4, {0, 1, 0});  // ((0 1) (2 3))
  const Budget budget;
  const ShapValues found = exact_owen(ShapProblem(game, 0, budget), tree);
  expect_near(found.interactions, {1, 0, -0.5}, kRounding);
}

TEST(Owen, InteractionsNotAskedForAreNan) {
  const Game game = reference::game_of_sets(6, reference::hash_model);
  RandomState random(3);
  const PartitionTree tree = reference::random_tree(6, random);
  const Budget budget;
  const ShapValues found = partition_owen(ShapProblem(game, 0, budget), tree, 4, random);
  EXPECT_TRUE(found.truncated);
  EXPECT_FALSE(std::isnan(found.interactions.back()));
  EXPECT_TRUE(std::isnan(found.interactions.front()));
}

TEST(Owen, AStoppedRunSpreadsWhatIsLeft) {
  const Game game = reference::game_of_sets(9, reference::hash_model);
  RandomState random(4);
  const PartitionTree tree = reference::random_tree(9, random);
  int looks = 0;
  const Budget budget = {.deadline = {}, .cancelled = [&] { return ++looks > 2; }};
  ShapProblem problem(game, 0, budget);
  const ShapValues found = exact_owen(problem, tree);
  EXPECT_TRUE(found.stopped && found.truncated && !found.exact);
  EXPECT_NEAR(std::accumulate(found.values.begin(), found.values.end(), 0.0), problem.total(), kRounding);
}

TEST(Owen, WithoutABudgetNothingIsSaid) {
  const Game game = reference::game_of_sets(3, reference::hash_model);
  const Budget budget = {.deadline = {}, .cancelled = [] { return true; }};
  const ShapValues found = exact_owen(ShapProblem(game, 0, budget), reference::tree_of_merges(3, {0, 0}));
  EXPECT_TRUE(found.stopped && !found.exact);
  EXPECT_EQ(found.values, std::vector<double>(3));
  EXPECT_EQ(found.low, std::vector<double>(3, -std::numeric_limits<double>::infinity()));
  EXPECT_EQ(found.high, std::vector<double>(3, std::numeric_limits<double>::infinity()));
}

TEST(Owen, BatchSizeChangesNothing) {
  Game game = reference::game_of_sets(9, reference::hash_model);
  RandomState random(5);
  const PartitionTree tree = reference::random_tree(9, random);
  const Budget budget;
  const std::vector<double> expected = exact_owen(ShapProblem(game, 0, budget), tree).values;
  for (const std::size_t batch_size : {0, 1, 7, 1000}) {
    game.batch_size = batch_size;
    expect_near(exact_owen(ShapProblem(game, 0, budget), tree).values, expected, kRounding);
  }
}

// Axioms.
TEST(Owen, OfALinearGameAreTheWeights) {
  const std::vector<double> weights = {0.5, -1, 0, 2, 0.25, 3};
  const Game game = reference::game_of_players(6, [&](auto kept) { return std::inner_product(kept.begin(), kept.end(), weights.begin(), 7.0); });
  RandomState random(6);
  const Budget budget;
  expect_near(exact_owen(ShapProblem(game, 0, budget), reference::random_tree(6, random)).values, weights, kRounding);
}

TEST(Owen, SymmetricSiblingsShareAndADummyGetsNothing) {
  const Game game = reference::game_of_players(5, [](auto kept) { return kept[1] * kept[2] * (1 + kept[4]); });
  const Budget budget;
  const std::vector<double> values = exact_owen(ShapProblem(game, 0, budget), reference::tree_of_merges(5, {1, 0, 0, 0})).values;
  EXPECT_NEAR(values[1], values[2], kRounding);
  EXPECT_NEAR(values[0], 0, kRounding);
  EXPECT_NEAR(values[3], 0, kRounding);
}

}  // namespace
}  // namespace filbert
