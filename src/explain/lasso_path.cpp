#include "explain/lasso_path.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace filbert {
namespace {

constexpr std::size_t kMaxPathSteps = 500;
constexpr double kTiny = std::numeric_limits<float>::min();  // keeps divisors from 0
constexpr double kDegenerate = 1e-7;                         // a column that adds less to the active ones never joins them

// The smallest above 0, or the greatest double there is.
void lower_to(double& least, double value) {
  if (value > 0 && value < least) least = value;
}

// numpy.around(value, decimals=15): so that equal correlations stay equal.
double rounded(double value) { return std::nearbyint(value * 1e15) / 1e15; }

class LassoPath {
 public:
  explicit LassoPath(const WeightedMoments& moments)
      : moments_(moments), order_(moments.num_players()), covariances_(order_.size()), path_(1, std::vector<double>(order_.size())) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    for (const std::size_t player : order_) covariances_[player] = moments.covariance(player);
  }

  std::vector<std::vector<double>> walk() {
    double last_alpha = std::numeric_limits<double>::infinity();
    bool dropped = false;
    while (!covariances_.empty() && active_ < order_.size() && path_.size() <= kMaxPathSteps) {
      const auto strongest = std::ranges::max_element(covariances_, {}, [](double value) { return std::abs(value); });
      const double correlation = std::abs(*strongest);
      const double alpha = correlation / static_cast<double>(moments_.rows());
      if (!(alpha > std::numeric_limits<float>::epsilon()) || !std::isfinite(alpha)) break;
      if (!dropped && !join(static_cast<std::size_t>(strongest - covariances_.begin()))) continue;
      if (last_alpha < alpha) break;  // rounding outweighs what is left
      last_alpha = alpha;
      const double scale = find_direction();
      if (!std::isfinite(scale)) break;
      dropped = step(correlation, scale);
    }
    return std::move(path_);
  }

 private:
  // The strongest of the others becomes active, unless it says nothing that the active ones do not.
  bool join(std::size_t which) {
    const double sign = covariances_[which] < 0 ? -1 : 1;
    std::swap(covariances_[which], covariances_[0]);
    std::swap(order_[active_], order_[active_ + which]);
    if (!extend_cholesky()) {
      cholesky_.pop_back();
      // The package takes back the swap of the covariances alone, and so does this.
      covariances_[0] = 0;
      std::swap(covariances_[which], covariances_[0]);
      return false;
    }
    covariances_.erase(covariances_.begin());
    signs_.push_back(sign);
    ++active_;
    return true;
  }

  // A row for order_[cholesky_.size()]; false where it is degenerate.
  bool extend_cholesky() {
    const std::size_t size = cholesky_.size();
    const std::size_t player = order_[size];
    std::vector<double> row(size + 1);
    double square = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double known = std::inner_product(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(i), cholesky_[i].begin(), 0.0);
      row[i] = (moments_.gram(player, order_[i]) - known) / cholesky_[i][i];
      square += row[i] * row[i];
    }
    const double pivot = std::sqrt(std::abs(moments_.gram(player, player) - square));
    row[size] = std::max(pivot, std::numeric_limits<double>::epsilon());
    cholesky_.push_back(std::move(row));
    return pivot >= kDegenerate;
  }

  // direction_: along which all active correlations fall at one rate. Returns that rate.
  double find_direction() {
    direction_ = signs_;
    for (std::size_t i = 0; i < active_; ++i) {
      for (std::size_t j = 0; j < i; ++j) direction_[i] -= cholesky_[i][j] * direction_[j];
      direction_[i] /= cholesky_[i][i];
    }
    for (std::size_t i = active_; i-- > 0;) {
      for (std::size_t j = i + 1; j < active_; ++j) direction_[i] -= cholesky_[j][i] * direction_[j];
      direction_[i] /= cholesky_[i][i];
    }
    const double scale = 1 / std::sqrt(std::inner_product(direction_.begin(), direction_.end(), signs_.begin(), 0.0));
    for (double& each : direction_) each *= scale;
    return scale;
  }

  // Goes on until another feature is as strong, or until a coefficient is 0: then its feature leaves, and true is returned.
  bool step(double correlation, double scale) {
    std::vector<double> falls(order_.size() - active_);
    double length = std::numeric_limits<double>::max();
    for (std::size_t i = 0; i < falls.size(); ++i) {
      const std::size_t player = order_[active_ + i];
      for (std::size_t j = 0; j < active_; ++j) falls[i] += moments_.gram(player, order_[j]) * direction_[j];
      falls[i] = rounded(falls[i]);
      lower_to(length, (correlation - covariances_[i]) / (scale - falls[i] + kTiny));
      lower_to(length, (correlation + covariances_[i]) / (scale + falls[i] + kTiny));
    }
    length = std::min(length, correlation / scale);

    const std::vector<double>& last = path_.back();
    double to_zero = std::numeric_limits<double>::max();
    std::vector<double> until(active_);
    for (std::size_t i = 0; i < active_; ++i) {
      until[i] = -last[order_[i]] / (direction_[i] + kTiny);
      lower_to(to_zero, until[i]);
    }
    const bool drops = to_zero < length;
    if (drops) length = to_zero;

    std::vector<double> next(order_.size());
    for (std::size_t i = 0; i < active_; ++i) next[order_[i]] = drops && until[i] == to_zero ? 0 : last[order_[i]] + length * direction_[i];
    for (std::size_t i = 0; i < falls.size(); ++i) covariances_[i] -= length * falls[i];
    path_.push_back(std::move(next));
    for (std::size_t i = active_; drops && i-- > 0;) {
      if (until[i] == to_zero) leave(i);
    }
    return drops;
  }

  void leave(std::size_t which) {
    const auto place = [which](auto& of) { return of.begin() + static_cast<std::ptrdiff_t>(which); };
    const std::size_t player = order_[which];
    --active_;
    std::rotate(place(order_), place(order_) + 1, order_.begin() + static_cast<std::ptrdiff_t>(active_) + 1);
    signs_.erase(place(signs_));
    cholesky_.resize(which);
    while (cholesky_.size() < active_) extend_cholesky();
    double covariance = moments_.covariance(player);
    for (std::size_t i = 0; i < active_; ++i) covariance -= moments_.gram(player, order_[i]) * path_.back()[order_[i]];
    covariances_.insert(covariances_.begin(), covariance);
  }

  const WeightedMoments& moments_;
  std::vector<std::size_t> order_;             // the active players in the order of their joining, then the others
  std::size_t active_ = 0;
  std::vector<double> covariances_;            // of the others with what the path leaves of y, in their order
  std::vector<double> signs_;                  // [active_] of their covariances when they joined
  std::vector<std::vector<double>> cholesky_;  // [active_] rows of the lower factor of the active ones' products
  std::vector<double> direction_;              // [active_]
  std::vector<std::vector<double>> path_;
};

}  // namespace

std::vector<std::vector<double>> lasso_path(const WeightedMoments& moments) { return LassoPath(moments).walk(); }

}  // namespace filbert
