#include "explain/shap.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "explain/owen.h"
#include "explain/shap_sampled.h"
#include "explain/shapley.h"

namespace filbert {
namespace {

// What runs, once options, players and budget are known.
enum class Run { trivial, exact_owen, sampled_owen, phrases_in_time, partition, exact_shapley, sampled_shapley, permutation, kernel };

Run run_of(const PartitionTree& tree, const ShapOptions& options, const Budget& budget) {
  const std::size_t num_players = tree.num_leaves;
  if (num_players < 2) return Run::trivial;
  const bool all_sets = num_players <= kMostPlayersExactly;
  switch (options.algorithm) {
    case ShapAlgorithm::partition: return Run::partition;
    case ShapAlgorithm::permutation: return Run::permutation;
    case ShapAlgorithm::kernel: return Run::kernel;
    case ShapAlgorithm::shapley:
      // Half of all sets says nothing: where time is short, only as many as are cheap.
      return all_sets && (!budget.deadline || std::size_t{1} << num_players <= options.max_evals) ? Run::exact_shapley
                                                                                                   : Run::sampled_shapley;
    case ShapAlgorithm::automatic:
    case ShapAlgorithm::owen: break;
  }
  return owen_coalitions(tree) <= options.max_evals ? Run::exact_owen : Run::sampled_owen;
}

std::string words(Run run, const ShapValues& found, const ShapOptions& options) {
  const std::string orders = fmt::format("{} pairs of orders", found.orders);
  switch (run) {
    case Run::trivial: return "exact";
    case Run::exact_owen: return found.exact ? "Owen values, exact" : "Owen values, stopped";
    case Run::sampled_owen: return "Owen values, sampled: " + orders;
    case Run::phrases_in_time: return "Owen values of phrases, as far as the time went";
    case Run::partition: return fmt::format("Owen values as shap's PartitionExplainer, max_evals {}", options.max_evals);
    case Run::exact_shapley: return found.exact ? "Shapley values, exact" : "Shapley values, stopped";
    case Run::sampled_shapley: return "Shapley values, sampled: " + orders;
    case Run::permutation: return "Owen values as shap's PermutationExplainer: " + orders;
    case Run::kernel: return fmt::format("Shapley values as shap's KernelExplainer, nsamples {}", options.max_evals);
  }
  return {};
}

// A single player gets all there is; without any there is nothing.
ShapValues trivial_values(const ShapProblem& problem) {
  return {.values = std::vector<double>(problem.num_players(), problem.total()), .exact = true};
}

// Of each join, from what the game says of every phrase alone; NaN if the budget ends before.
std::vector<double> interactions(const ShapProblem& problem, const PartitionTree& tree) {
  const std::vector<std::size_t> first = tree.first_leaves();
  std::vector<double> alone;  // [nodes] what a phrase says, the rest masked
  const std::size_t batch_size = std::max<std::size_t>(problem.game.batch_size, 1);
  std::vector<double> result(tree.joins.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t begin = 0; begin < tree.root(); begin += batch_size) {
    if (problem.budget.over()) return result;
    Masks sets(tree.num_leaves);
    for (std::size_t node = begin; node < std::min(tree.root(), begin + batch_size); ++node) {
      std::fill_n(sets.add_row(0).begin() + static_cast<std::ptrdiff_t>(first[node]), tree.size(node), std::uint8_t{1});
    }
    const std::vector<double> values = problem.game.values(sets);
    for (std::size_t row = 0; row < sets.rows; ++row) alone.push_back(values[row * problem.game.num_outputs + problem.output]);
  }
  alone.push_back(problem.all[problem.output]);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const PartitionTree::Join& join = tree.joins[i];
    result[i] = alone[tree.num_leaves + i] - alone[join.left] - alone[join.right] + problem.none[problem.output];
  }
  return result;
}

// The budget with options.budget, which counts from now, beside it.
Budget sampling_budget(const ShapOptions& options, const Budget& budget) {
  Budget both = budget;
  if (options.budget) {
    constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);  // so that the sum stays a time
    const auto end = std::chrono::steady_clock::now() + std::min(*options.budget, kLongest);
    both.deadline = std::min(end, budget.deadline.value_or(end));
  }
  if (!(options.half_width > 0) && !both.deadline) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("half_width: expected a number above 0 where no budget ends the sampling, found {}", options.half_width));
  }
  return both;
}

ShapValues sampled(const ShapProblem& problem, const PartitionTree& tree, bool phrases, const ShapOptions& options, RandomState& random) {
  std::vector<double> found(tree.joins.size(), std::numeric_limits<double>::quiet_NaN());
  if (phrases && problem.num_players() <= kMostInteractions) found = interactions(problem, tree);
  ShapValues values = sampled_values(problem, phrases ? &tree : nullptr, options.half_width, random);
  if (phrases) values.interactions = std::move(found);
  return values;
}

ShapValues values_of(Run run, const ShapProblem& problem, const PartitionTree& tree, const ShapPlayers& players,
                     const ShapOptions& options) {
  RandomState random(options.seed);
  switch (run) {
    case Run::trivial: return trivial_values(problem);
    case Run::exact_owen: return exact_owen(problem, tree);
    case Run::sampled_owen: return sampled(problem, tree, true, options, random);
    case Run::phrases_in_time: return partition_owen(problem, tree, std::numeric_limits<std::size_t>::max(), random);
    case Run::partition: return partition_owen(problem, tree, options.max_evals, random);
    case Run::exact_shapley: return exact_shapley(problem);
    case Run::sampled_shapley: return sampled(problem, tree, false, options, random);
    case Run::permutation: return permutation_values(problem, &tree, options.max_evals, players.varying, random);
    case Run::kernel: return kernel_values(problem, options.max_evals, random);
  }
  return {};
}

// Whether time allows too few pairs of orders for their intervals to say anything: then phrases, the largest first, say more than words.
bool is_short_of_time(const Game& game, const Budget& until) {
  constexpr double kLeastPairs = 4;
  if (!until.deadline) return false;
  const double left = std::chrono::duration<double>(*until.deadline - std::chrono::steady_clock::now()).count();
  return game.seconds_of_a_set * 2 * static_cast<double>(game.num_players) * kLeastPairs > left;
}

std::vector<Phrase> phrases_of(const PartitionTree& tree, const ShapValues& found) {
  std::vector<double> values = found.values;
  std::vector<Phrase> phrases;
  for (std::size_t i = 0; i < tree.joins.size(); ++i) {
    const auto& [left, right, size] = tree.joins[i];
    values.push_back(values[left] + values[right]);
    const double interaction = found.interactions.empty() ? std::numeric_limits<double>::quiet_NaN() : found.interactions[i];
    phrases.push_back({.left = left, .right = right, .size = size, .value = values.back(), .interaction = interaction});
  }
  return phrases;
}

constexpr std::array<std::string_view, 6> kAlgorithms = {"auto", "owen", "partition", "shapley", "permutation", "kernel"};

}  // namespace

ShapAlgorithm shap_algorithm_from_name(std::string_view name) { return from_name<ShapAlgorithm>("algorithm", name, kAlgorithms); }

std::string_view name(ShapAlgorithm algorithm) { return kAlgorithms[static_cast<std::size_t>(algorithm)]; }

ShapExplanation shap(const Game& game, std::size_t output, const ShapPlayers& players, const ShapOptions& options, const Budget& budget) {
  assert(players.segments.size() == game.num_players && output < game.num_outputs);
  const PartitionTree tree = partition_tree(players.segments, players.separator, players.second_text);
  Run run = run_of(tree, options, budget);
  const bool samples = run == Run::sampled_owen || run == Run::sampled_shapley;
  const Budget until = samples ? sampling_budget(options, budget) : budget;
  if (run == Run::sampled_owen && options.algorithm == ShapAlgorithm::automatic && is_short_of_time(game, until)) run = Run::phrases_in_time;
  const ShapProblem problem(game, output, until);
  ShapValues found = values_of(run, problem, tree, players, options);
  const bool has_tree = run != Run::exact_shapley && run != Run::sampled_shapley && run != Run::kernel;
  return {.values = found.values,
          .low = std::move(found.low),
          .high = std::move(found.high),
          .base_value = problem.none[output],
          .phrases = has_tree ? phrases_of(tree, found) : std::vector<Phrase>(),
          .algorithm = words(run, found, options),
          .exact = found.exact,
          .truncated = found.truncated,
          .stopped = found.stopped};
}

}  // namespace filbert
