#include "explain/shap_sampled.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "explain/order_walk.h"

namespace filbert {
namespace {

// Means and variances of every player's pairs, by Welford.
class Observations {
 public:
  // `settled` are the players whose pairs are all the same, whatever the game.
  explicit Observations(std::vector<bool> settled)
      : settled_(std::move(settled)), mean_(settled_.size()), squares_(settled_.size()), farthest_(settled_.size()) {}

  void add(const WalkedPair& pair) {
    ++count_;
    widest_ = std::max(widest_, pair.widest);
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      const double from_mean = pair.changes[i] - mean_[i];
      if (count_ > 1) farthest_[i] = std::max(farthest_[i], std::abs(from_mean));
      mean_[i] += from_mean / static_cast<double>(count_);
      squares_[i] += from_mean * (pair.changes[i] - mean_[i]);
      largest_ = std::max(largest_, std::abs(pair.changes[i]));
    }
  }

  std::size_t count() const { return count_; }
  const std::vector<double>& mean() const { return mean_; }

  // Half the width of each 95 % interval, by Student's t. Sampling stops where the variance so far is small by chance, and pairs of a
  // rare kind may not have come yet: half a pair more, as far out as the farthest, makes up for both. Where all pairs were the same,
  // the share of another kind is below 3 / pairs in 19 of 20 such runs, and it is taken to lie at most as far away as any walk lay from
  // the mean of its pair.
  std::vector<double> half_widths() const {
    std::vector<double> widths(mean_.size(), std::numeric_limits<double>::infinity());
    if (count_ < 2) return widths;
    const double count = static_cast<double>(count_);
    const double factor = student_t_quantile(count_ - 1) / std::sqrt(count * (count - 1));
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool all_the_same = std::sqrt(squares_[i] / count) <= kRounding * largest_;
      const double squares = squares_[i] + farthest_[i] * farthest_[i] / 2;
      widths[i] = all_the_same && !settled_[i] ? std::min(3 / count, 1.0) * widest_ : std::sqrt(squares) * factor;
    }
    return widths;
  }

 private:
  static constexpr double kRounding = 1e-12;  // of sums in double

  std::vector<bool> settled_;
  std::size_t count_ = 0;
  std::vector<double> mean_, squares_;  // squares_: the sums of squared distances from the mean
  std::vector<double> farthest_;        // the greatest of these distances, when it came
  double widest_ = 0;
  double largest_ = 0;
};

// Those of whom a pair says all: a player beside one phrase with all others comes first in one walk and last in the other.
std::vector<bool> settled_players(std::size_t num_players, const PartitionTree* tree) {
  std::vector<bool> settled(num_players, num_players == 2);
  if (tree != nullptr) {
    for (const std::size_t side : {tree->joins.back().left, tree->joins.back().right}) {
      if (tree->is_leaf(side)) settled[side] = true;
    }
  }
  return settled;
}

}  // namespace

double student_t_quantile(std::size_t degrees_of_freedom) {
  // From scipy.stats.t.ppf(0.975, range(1, 31)).
  constexpr std::array<double, 30> kFew = {
      12.7062047362, 4.3026527297, 3.1824463053, 2.7764451052, 2.5705818356, 2.4469118511, 2.3646242516, 2.3060041352,
      2.2621571628,  2.2281388520, 2.2009851601, 2.1788128297, 2.1603686565, 2.1447866879, 2.1314495456, 2.1199052992,
      2.1098155778,  2.1009220402, 2.0930240544, 2.0859634473, 2.0796138447, 2.0738730679, 2.0686576104, 2.0638985616,
      2.0595385528,  2.0555294386, 2.0518305165, 2.0484071418, 2.0452296421, 2.0422724563};
  if (degrees_of_freedom <= kFew.size()) return kFew[degrees_of_freedom - 1];
  const double x = 1.959963984540054;  // of the normal distribution, and its expansion (Abramowitz and Stegun 26.7.5)
  const double n = static_cast<double>(degrees_of_freedom);
  const double x3 = x * x * x;
  const double x5 = x3 * x * x;
  return x + (x3 + x) / (4 * n) + (5 * x5 + 16 * x3 + 3 * x) / (96 * n * n) +
         (3 * x5 * x * x + 19 * x5 + 17 * x3 - 15 * x) / (384 * n * n * n);
}

ShapValues sampled_values(const ShapProblem& problem, const PartitionTree* tree, double half_width, RandomState& random) {
  const std::size_t num_players = problem.num_players();
  const std::size_t pairs_in_a_call = std::max<std::size_t>(problem.game.batch_size / (2 * (num_players - 1)), 1);
  Observations seen(settled_players(num_players, tree));
  std::vector<std::size_t> any(num_players);
  std::iota(any.begin(), any.end(), std::size_t{0});
  bool stopped = false;
  std::vector<double> half_widths = seen.half_widths();
  while (!stopped && (seen.count() < kFewestPairs || *std::max_element(half_widths.begin(), half_widths.end()) > half_width)) {
    std::vector<std::vector<std::size_t>> orders(pairs_in_a_call);
    for (std::vector<std::size_t>& order : orders) {
      if (tree == nullptr) random.shuffle(any);
      order = tree != nullptr ? order_of_tree(*tree, [&] { return random.interval(1) == 0; }) : any;
    }
    const auto pairs = walk_pairs(problem, orders);
    stopped = !pairs;
    if (!pairs) break;
    for (const WalkedPair& pair : *pairs) seen.add(pair);
    half_widths = seen.half_widths();
  }
  ShapValues result = {.values = seen.mean(), .low = seen.mean(), .high = seen.mean(), .orders = seen.count(), .stopped = stopped};
  for (std::size_t i = 0; i < num_players; ++i) {
    result.low[i] -= half_widths[i];
    result.high[i] += half_widths[i];
  }
  return result;
}

}  // namespace filbert
