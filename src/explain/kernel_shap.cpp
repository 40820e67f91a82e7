#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "explain/shapley.h"

namespace filbert {
namespace {

// C(n, k), rounded where it is large.
double binomial(std::size_t n, std::size_t k) {
  double product = 1;
  for (std::size_t i = 1; i <= k; ++i) product = product * static_cast<double>(n - k + i) / static_cast<double>(i);
  return product;
}

// The sets that the line is fitted to, and their weights: every set of the sizes that num_samples pays for, smallest and largest
// first, then sets drawn at random, each with its complement.
class KernelSets {
 public:
  KernelSets(std::size_t num_players, std::size_t num_samples, RandomState& random)
      : sets(num_players), num_players_(num_players), num_samples_(num_samples), paired_((num_players - 1) / 2) {
    const std::size_t sizes = num_players / 2;  // 1 … sizes; each but the middle one stands for its complement too
    for (std::size_t size = 1; size <= sizes; ++size) {
      const double share = static_cast<double>(num_players - 1) / static_cast<double>(size * (num_players - size));
      size_weights_.push_back(is_paired(size) ? 2 * share : share);
    }
    scale(size_weights_, 1);
    const std::size_t full = add_full_sizes();
    if (full < sizes) add_drawn(full, random);
  }

  Masks sets;
  std::vector<double> weights;

 private:
  bool is_paired(std::size_t size) const { return size <= paired_; }
  static void scale(std::span<double> values, double sum) {
    const double factor = sum / std::accumulate(values.begin(), values.end(), 0.0);
    for (double& value : values) value *= factor;
  }

  void add(std::span<const std::uint8_t> row, double weight) {
    sets.add_row(row);
    weights.push_back(weight);
  }
  void add_complement(std::vector<std::uint8_t> row, double weight) {
    for (std::uint8_t& kept : row) kept = 1 - kept;
    add(row, weight);
  }

  // Returns how many sizes were paid for.
  std::size_t add_full_sizes() {
    double left = static_cast<double>(num_samples_);
    double remaining = 1;  // of the weight
    for (std::size_t size = 1; size <= size_weights_.size(); ++size) {
      const double of_size = binomial(num_players_, size);
      const double share = size_weights_[size - 1] / remaining;
      const double sets_of_size = is_paired(size) ? 2 * of_size : of_size;
      if (!(left * share / sets_of_size >= 1.0 - 1e-8)) return size - 1;
      left -= sets_of_size;
      if (share < 1) remaining *= 1 - share;
      add_size(size, size_weights_[size - 1] / sets_of_size);
    }
    return size_weights_.size();
  }

  // Every set of a size, and its complement, in lexicographic order.
  void add_size(std::size_t size, double weight) {
    std::vector<std::uint8_t> row(num_players_);
    std::fill_n(row.begin(), size, std::uint8_t{1});
    do {
      add(row, weight);
      if (is_paired(size)) add_complement(row, weight);
    } while (std::prev_permutation(row.begin(), row.end()));
  }

  // Sets of the sizes above `full` until there are num_samples; one that comes again weighs more.
  void add_drawn(std::size_t full, RandomState& random) {
    std::vector<double> shares(size_weights_.begin() + static_cast<std::ptrdiff_t>(full), size_weights_.end());
    const double weight_left = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (is_paired(full + 1 + i)) shares[i] /= 2;  // two sets for each draw
    }
    scale(shares, 1);
    const std::size_t fixed = sets.rows;
    std::vector<std::size_t> sizes(4 * (num_samples_ - fixed));
    for (std::size_t& size : sizes) size = full + 1 + random.choice(shares);
    std::map<std::string, std::size_t> rows;  // by their zeros and ones
    for (std::size_t draw = 0; draw < sizes.size() && sets.rows < num_samples_; ++draw) {
      const std::vector<std::size_t> order = random.permutation(num_players_);
      std::vector<std::uint8_t> row(num_players_);
      for (std::size_t i = 0; i < sizes[draw]; ++i) row[order[i]] = 1;
      const auto [known, is_new] = rows.try_emplace(std::string(row.begin(), row.end()), sets.rows);
      if (!is_new) {
        weights[known->second] += 1;
        if (is_paired(sizes[draw])) weights[known->second + 1] += 1;
        continue;
      }
      add(row, 1);
      if (is_paired(sizes[draw]) && sets.rows < num_samples_) add_complement(std::move(row), 1);
    }
    scale(std::span(weights).subspan(fixed), weight_left);
  }

  std::size_t num_players_;
  std::size_t num_samples_;
  std::size_t paired_;                // sizes up to this differ from their complement's
  std::vector<double> size_weights_;  // [sizes] sum to 1
};

// Solves a symmetric positive definite system in place, by Cholesky; `matrix` is [n, n], of which the lower half is read. False if it
// is singular.
bool solve(std::vector<double>& matrix, std::vector<double>& right) {
  const std::size_t n = right.size();
  for (std::size_t i = 0; i < n; ++i) {
    const double diagonal = matrix[i * n + i];
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= matrix[i * n + k] * matrix[j * n + k];
      if (i != j) {
        matrix[i * n + j] = sum / matrix[j * n + j];
      } else {
        if (!(sum > 1e-12 * diagonal)) return false;
        matrix[i * n + i] = std::sqrt(sum);
      }
    }
    for (std::size_t k = 0; k < i; ++k) right[i] -= matrix[i * n + k] * right[k];
    right[i] /= matrix[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) right[i] -= matrix[k * n + i] * right[k];
    right[i] /= matrix[i * n + i];
  }
  return true;
}

// One output's values of the sets less that of none; or nothing if the budget ended.
std::optional<std::vector<double>> values_above_none(const ShapProblem& problem, const Masks& sets) {
  const std::size_t num_players = sets.num_players;
  const std::size_t batch_size = std::max<std::size_t>(problem.game.batch_size, 1);
  std::vector<double> values;
  for (std::size_t begin = 0; begin < sets.rows; begin += batch_size) {
    if (problem.budget.over()) return std::nullopt;
    Masks batch(num_players);
    for (std::size_t row = begin; row < std::min(sets.rows, begin + batch_size); ++row) batch.add_row(sets[row]);
    const std::vector<double> found = problem.game.values(batch);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      values.push_back(found[row * problem.game.num_outputs + problem.output] - problem.none[problem.output]);
    }
  }
  return values;
}

// The weighted least squares in which the last player gets what is left of the total.
class KernelFit {
 public:
  KernelFit(const KernelSets& kernel) : unknowns_(kernel.sets.num_players - 1), matrix_(unknowns_ * unknowns_), right_(unknowns_) {
    std::vector<double> row(unknowns_);
    for (std::size_t set = 0; set < kernel.sets.rows; ++set) {
      fill(kernel.sets[set], row);
      for (std::size_t i = 0; i < unknowns_; ++i) {
        if (row[i] == 0) continue;
        for (std::size_t j = 0; j <= i; ++j) matrix_[i * unknowns_ + j] += kernel.weights[set] * row[i] * row[j];
      }
    }
  }

  bool is_determined() const {
    std::vector<double> matrix = matrix_;
    std::vector<double> right(unknowns_);
    return solve(matrix, right);
  }

  std::vector<double> slopes(const KernelSets& kernel, const std::vector<double>& above_none, double total) && {
    std::vector<double> row(unknowns_);
    for (std::size_t set = 0; set < kernel.sets.rows; ++set) {
      fill(kernel.sets[set], row);
      const double value = above_none[set] - (kernel.sets[set].back() != 0 ? total : 0);
      for (std::size_t i = 0; i < unknowns_; ++i) right_[i] += kernel.weights[set] * row[i] * value;
    }
    solve(matrix_, right_);
    right_.push_back(total - std::accumulate(right_.begin(), right_.end(), 0.0));
    return std::move(right_);
  }

 private:
  static void fill(std::span<const std::uint8_t> set, std::vector<double>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<double>(set[i]) - static_cast<double>(set.back());
  }

  std::size_t unknowns_;
  std::vector<double> matrix_;  // [unknowns, unknowns]
  std::vector<double> right_;   // [unknowns]
};

[[noreturn]] void fail_undetermined(std::size_t num_players, std::size_t num_samples) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("max_evals: {} masked texts do not determine the values of {} units by kernel; expected more, or another algorithm",
                          num_samples, num_players));
}

}  // namespace

ShapValues kernel_values(const ShapProblem& problem, std::size_t num_samples, RandomState& random) {
  const std::size_t num_players = problem.num_players();
  if (num_players > kMostKernelPlayers) {
    throw Error(ErrorKind::invalid_argument, fmt::format("kernel: expected at most {} units, found {}", kMostKernelPlayers, num_players));
  }
  const bool every_set = num_players <= 30 && num_samples >= (std::size_t{1} << num_players) - 2;
  if (every_set) num_samples = (std::size_t{1} << num_players) - 2;
  if (num_samples < num_players - 1) fail_undetermined(num_players, num_samples);
  const KernelSets kernel(num_players, num_samples, random);
  KernelFit fit(kernel);
  if (!fit.is_determined()) fail_undetermined(num_players, num_samples);
  const std::optional<std::vector<double>> above_none = values_above_none(problem, kernel.sets);
  if (!above_none) return no_values(num_players);
  return {.values = std::move(fit).slopes(kernel, *above_none, problem.total()), .exact = every_set};
}

}  // namespace filbert
