#include "explain/shapley.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "explain/order_walk.h"

namespace filbert {
namespace {

// What one output says of every set, by the bits of its players; or nothing if the budget ended.
std::optional<std::vector<double>> values_of_all_sets(const ShapProblem& problem) {
  const Game& game = problem.game;
  const std::size_t last = (std::size_t{1} << game.num_players) - 1;
  std::vector<double> found = {problem.none[problem.output]};
  Masks sets(game.num_players);
  for (std::size_t set = 1; set < last; ++set) {
    const std::span<std::uint8_t> row = sets.add_row(0);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = set >> i & 1;
    if (sets.rows < game.batch_size && set + 1 < last) continue;
    if (problem.budget.over()) return std::nullopt;
    const std::vector<double> values = game.values(sets);
    for (std::size_t each = 0; each < sets.rows; ++each) found.push_back(values[each * game.num_outputs + problem.output]);
    sets.clear();
  }
  found.push_back(problem.all[problem.output]);
  return found;
}

}  // namespace

ShapValues exact_shapley(const ShapProblem& problem) {
  const std::size_t num_players = problem.num_players();
  const std::optional<std::vector<double>> found = values_of_all_sets(problem);
  if (!found) return no_values(num_players);
  // Of the sets without a player those of one size together weigh 1 / players.
  std::vector<double> weight(num_players);
  double sets_of_size = 1;
  for (std::size_t size = 0; size < num_players; ++size) {
    weight[size] = 1 / (static_cast<double>(num_players) * sets_of_size);
    sets_of_size *= static_cast<double>(num_players - 1 - size) / static_cast<double>(size + 1);
  }
  std::vector<double> values(num_players);
  for (std::size_t set = 0; set < found->size(); ++set) {
    const double weight_of_size = weight[std::min<std::size_t>(std::popcount(set), num_players - 1)];
    for (std::size_t i = 0; i < num_players; ++i) {
      const std::size_t with = set | std::size_t{1} << i;
      if (with != set) values[i] += weight_of_size * ((*found)[with] - (*found)[set]);
    }
  }
  return {.values = std::move(values), .exact = true};
}

ShapValues permutation_values(const ShapProblem& problem, const PartitionTree* tree, std::size_t max_evals,
                              std::span<const std::uint8_t> varying, RandomState& random) {
  const std::size_t num_players = problem.num_players();
  const auto varies = [&](std::size_t player) { return varying.empty() || varying[player] != 0; };
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < num_players; ++i) {
    if (varies(i)) order.push_back(i);
  }
  ShapValues result = {.values = std::vector<double>(num_players)};
  const std::size_t num_orders = max_evals / (2 * order.size() + 1);
  if (order.empty()) return result;
  if (num_orders == 0) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_evals: permutation takes at least {} for {} units, found {}",
                                                         2 * order.size() + 1, order.size(), max_evals));
  }
  for (; result.orders < num_orders; ++result.orders) {
    if (tree == nullptr) {
      random.shuffle(order);
    } else {
      order = order_of_tree(*tree, [&] { return random.randn() < 0; });
      std::erase_if(order, [&](std::size_t player) { return !varies(player); });
    }
    const auto pair = walk_pairs(problem, {order});
    if (!pair) break;
    for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] += pair->front().changes[i];
  }
  if (result.orders == 0) return no_values(num_players);
  for (double& value : result.values) value /= static_cast<double>(result.orders);
  result.stopped = result.orders < num_orders;
  return result;
}

}  // namespace filbert
