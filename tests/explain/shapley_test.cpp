#include "explain/shapley.h"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <filbert/error.h>

#include "explain/owen.h"
#include "explain/toy_games.h"

namespace filbert {
namespace {

using reference::kRounding;
using reference::expect_near;
using reference::sum;

constexpr double kEquations = 1e-10;      // of the normal equations of a line, whose condition is some thousands; shap rounds to 0 below it

// S6.
TEST(Shapley, ExactIsThatOfShap) {
  const nlohmann::json goldens = reference::golden("shap_values.json");
  for (const nlohmann::json& run : goldens["exact"]) {
    const Game game = reference::game_of_sets(run["players"], reference::toy_model(run["game"]));
    const Budget budget;
    for (const std::size_t output : {0, 1}) {
      const ShapValues found = exact_shapley(ShapProblem(game, output, budget));
      EXPECT_TRUE(found.exact);
      expect_near(found.values, run["values"][output].get<std::vector<double>>(), kRounding);
    }
  }
}

TEST(Shapley, ExactIsTheMeanOverOrders) {
  const Game game = reference::game_of_sets(6, reference::hash_model);
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  std::vector<double> mean(6);
  do {
    std::vector<std::uint8_t> kept(6);
    for (const std::size_t player : order) {
      const double without = reference::value_of(game, kept);
      kept[player] = 1;
      mean[player] += (reference::value_of(game, kept) - without) / 720;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  const Budget budget;
  expect_near(exact_shapley(ShapProblem(game, 0, budget)).values, mean, kRounding);
}

TEST(Shapley, AnExactRunThatStopsKnowsNothing) {
  Game game = reference::game_of_sets(10, reference::hash_model);
  int looks = 0;
  const Budget budget = {.deadline = {}, .cancelled = [&] { return ++looks > 3; }};
  const ShapValues found = exact_shapley(ShapProblem(game, 0, budget));
  EXPECT_TRUE(found.stopped && !found.exact);
  EXPECT_EQ(found.high[9], std::numeric_limits<double>::infinity());
}

// S7: orders drawn by numpy, or along the tree of a text by numba's generator of the same seed.
TEST(Shapley, PermutationIsThatOfShap) {
  const nlohmann::json goldens = reference::golden("shap_values.json");
  for (const nlohmann::json& run : goldens["permutation"]) {
    SCOPED_TRACE(run.dump().substr(0, 100));
    const reference::ToyModel model = reference::toy_model(run["game"]);
    RandomState random(run["seed"].get<std::uint32_t>());
    const Budget budget;
    const bool of_text = run.contains("text");
    const ShapText text = of_text ? reference::shap_text(run["family"], run["text"]) : ShapText("");
    const Game game = of_text ? reference::game_of_text(text, model) : reference::game_of_sets(run["players"], model);
    const PartitionTree tree = partition_tree(text.segments(), text.separator());
    std::vector<std::uint8_t> varying;
    for (const std::uint8_t invariant : text.invariants()) varying.push_back(1 - invariant);
    const ShapValues found = permutation_values(ShapProblem(game, 0, budget), of_text ? &tree : nullptr, run["max_evals"], varying, random);
    expect_near(found.values, run["values"][0].get<std::vector<double>>(), kRounding);
    EXPECT_FALSE(found.stopped);
  }
}

TEST(Shapley, PermutationNeedsOneOrder) {
  const Game game = reference::game_of_sets(6, reference::hash_model);
  const Budget budget;
  RandomState random(0);
  EXPECT_THROW(permutation_values(ShapProblem(game, 0, budget), nullptr, 12, {}, random), Error);
  EXPECT_EQ(permutation_values(ShapProblem(game, 0, budget), nullptr, 13, {}, random).orders, 1U);
}

TEST(Shapley, WherePlayersDoNotVaryPermutationGivesNothing) {
  const Game game = reference::game_of_players(2, [](auto) { return 1.0; });
  const Budget budget;
  RandomState random(0);
  const std::vector<std::uint8_t> varying = {0, 0};
  const PartitionTree tree = reference::tree_of_merges(2, {0});
  EXPECT_EQ(permutation_values(ShapProblem(game, 0, budget), &tree, 10, varying, random).values, (std::vector<double>{0, 0}));
}

// All sets, some sizes whole and the rest drawn, and drawn alone: numpy's draws.
TEST(Shapley, KernelIsThatOfShap) {
  const nlohmann::json goldens = reference::golden("shap_values.json");
  for (const nlohmann::json& run : goldens["kernel"]) {
    SCOPED_TRACE(run.dump().substr(0, 100));
    const Game game = reference::game_of_sets(run["players"], reference::toy_model(run["game"]));
    const Budget budget;
    for (const std::size_t output : {0, 1}) {
      RandomState random(run["seed"].get<std::uint32_t>());
      const ShapValues found = kernel_values(ShapProblem(game, output, budget), run["num_samples"], random);
      expect_near(found.values, run["values"][output].get<std::vector<double>>(), kEquations);
    }
  }
}

TEST(Shapley, KernelWithAllSetsIsExact) {
  for (std::size_t num_players = 2; num_players <= 10; ++num_players) {
    const Game game = reference::game_of_sets(num_players, reference::hash_model);
    const Budget budget;
    const ShapProblem problem(game, 0, budget);
    RandomState random(0);
    const ShapValues found = kernel_values(problem, 2000, random);
    EXPECT_TRUE(found.exact);
    expect_near(found.values, exact_shapley(problem).values, kEquations);
  }
}

TEST(Shapley, KernelRefusesWhatDoesNotDetermineIt) {
  const Game game = reference::game_of_sets(40, reference::hash_model);
  const Budget budget;
  RandomState random(0);
  EXPECT_THROW(kernel_values(ShapProblem(game, 0, budget), 0, random), Error);
  EXPECT_THROW(kernel_values(ShapProblem(game, 0, budget), 20, random), Error);
  EXPECT_NEAR(sum(kernel_values(ShapProblem(game, 0, budget), 200, random).values), ShapProblem(game, 0, budget).total(), kEquations);
}

// X1. A linear game, symmetric players, a dummy, and players that do something only together: exactly, by the line and by orders.
struct Axiom {
  const char* name;
  std::function<double(std::span<const std::uint8_t>)> value;
  std::vector<double> expected;
};
const Axiom kAxioms[] = {
    {"linear", [](auto kept) { return 3 + kept[0] - 2.0 * kept[1] + 0.5 * kept[3]; }, {1, -2, 0, 0.5, 0}},
    {"symmetric", [](auto kept) { return (kept[0] + kept[4]) * (1 + kept[2]); }, {1.5, 0, 1, 0, 1.5}},
    {"dummy", [](auto kept) { return kept[0] != kept[1] ? 1.0 : 0.0; }, {0, 0, 0, 0, 0}},
    {"and", [](auto kept) { return 1.0 * kept[1] * kept[2] * kept[3]; }, {0, 1 / 3.0, 1 / 3.0, 1 / 3.0, 0}},
};

TEST(Shapley, KeepsTheAxioms) {
  for (const Axiom& axiom : kAxioms) {
    SCOPED_TRACE(axiom.name);
    const Game game = reference::game_of_players(5, axiom.value);
    const Budget budget;
    const ShapProblem problem(game, 0, budget);
    RandomState random(0);
    expect_near(exact_shapley(problem).values, axiom.expected, 1e-9);
    expect_near(kernel_values(problem, 1000, random).values, axiom.expected, 1e-9);
  }
}

}  // namespace
}  // namespace filbert
