#include "evaluate/calibration.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

namespace filbert {
namespace {

constexpr int kMaxIterations = 200;

double sigmoid_of(double logit) { return logit >= 0 ? 1 / (1 + std::exp(-logit)) : std::exp(logit) / (1 + std::exp(logit)); }
// ln(1 + e^x)
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

// Replaces `logits` by their softmax; returns the logarithm of what they were divided by.
double softmax_in_place(std::span<double> logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& logit : logits) sum += logit = std::exp(logit - most);
  for (double& share : logits) share /= sum;
  return most + std::log(sum);
}

struct Derivatives {
  double first = 0, second = 0;
};

// Of the mean log loss by the factor of all logits.
Derivatives by_factor(const LabelledLogits& rows, FunctionToApply function, double factor) {
  const std::size_t labels = rows.logits.row_size();
  Derivatives sums;
  std::vector<double> shares(labels);
  for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
    const std::span<const float> logits = rows.logits[row];
    if (function == FunctionToApply::softmax) {
      for (std::size_t label = 0; label < labels; ++label) shares[label] = factor * double{logits[label]};
      softmax_in_place(shares);
      double mean = 0, square = 0, truth = 0;
      for (std::size_t label = 0; label < labels; ++label) {
        mean += shares[label] * double{logits[label]};
        truth += rows.is_true[row * labels + label] * double{logits[label]};
      }
      for (std::size_t label = 0; label < labels; ++label) square += shares[label] * (double{logits[label]} - mean) * (double{logits[label]} - mean);
      sums.first += mean - truth;
      sums.second += square;
    } else {
      for (std::size_t label = 0; label < labels; ++label) {
        const double logit = logits[label], share = sigmoid_of(factor * logit);
        sums.first += (share - rows.is_true[row * labels + label]) * logit;
        sums.second += share * (1 - share) * logit * logit;
      }
    }
  }
  const auto count = static_cast<double>(rows.logits.rows() * (function == FunctionToApply::softmax ? 1 : labels));
  return {sums.first / count, sums.second / count};
}

// A loss, its gradient and the lower half of its Hessian, row by row, at `at`.
struct Loss {
  std::size_t size = 0;
  std::function<double(std::span<const double> at)> value;
  std::function<void(std::span<const double> at, std::vector<double>& gradient, std::vector<double>& hessian)> derivatives;
};

// Solves A x = b for a positive definite A, whose lower half is given and overwritten by its Cholesky factor.
std::vector<double> solve(std::vector<double>& a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double sum = a[row * n + column];
      for (std::size_t k = 0; k < column; ++k) sum -= a[row * n + k] * a[column * n + k];
      a[row * n + column] = row == column ? std::sqrt(std::max(sum, 1e-300)) : sum / a[column * n + column];
    }
  }
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t k = 0; k < row; ++k) b[row] -= a[row * n + k] * b[k];
    b[row] /= a[row * n + row];
  }
  for (std::size_t row = n; row-- > 0;) {
    for (std::size_t k = row + 1; k < n; ++k) b[row] -= a[k * n + row] * b[k];
    b[row] /= a[row * n + row];
  }
  return b;
}

// Newton's method from `at`, with steps halved until the loss falls.
void minimise(const Loss& loss, std::vector<double>& at) {
  constexpr double kEnough = 1e-20;  // twice what the loss can still fall: factors are then off by about its root
  std::vector<double> gradient(loss.size), hessian(loss.size * loss.size), next(loss.size);
  double value = loss.value(at);
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    loss.derivatives(at, gradient, hessian);
    const std::vector<double> step = solve(hessian, gradient);
    double slope = 0;
    for (std::size_t each = 0; each < loss.size; ++each) slope += gradient[each] * step[each];
    if (!(slope > kEnough)) return;
    double length = 1, lower = value;
    for (; length > 1e-10; length /= 2) {
      for (std::size_t each = 0; each < loss.size; ++each) next[each] = at[each] - length * step[each];
      lower = loss.value(next);
      if (lower <= value - 1e-4 * length * slope) break;
    }
    if (!(lower <= value)) return;  // as low as numbers go
    at = next;
    value = lower;
  }
}

// Towards factors of 1 and summands of 0: `at` has the factors first.
double pull(std::span<const double> at) {
  double squares = 0;
  for (std::size_t each = 0; each < at.size(); ++each) {
    const double distance = at[each] - (each < at.size() / 2 ? 1 : 0);
    squares += distance * distance;
  }
  return kVectorRidge / 2 * squares;
}

void add_pull(std::span<const double> at, std::vector<double>& gradient, std::vector<double>& hessian) {
  for (std::size_t each = 0; each < at.size(); ++each) {
    gradient[each] += kVectorRidge * (at[each] - (each < at.size() / 2 ? 1 : 0));
    hessian[each * at.size() + each] += kVectorRidge;
  }
}

// Of a softmax: all factors and summands together.
Loss softmax_loss(const LabelledLogits& rows) {
  const std::size_t labels = rows.logits.row_size();
  const auto value = [&rows, labels](std::span<const double> at) {
    const std::vector<double> weights(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(labels)), biases(at.begin() + static_cast<std::ptrdiff_t>(labels), at.end());
    return log_loss(rows, FunctionToApply::softmax, weights, biases) + pull(at);
  };
  const auto derivatives = [&rows, labels](std::span<const double> at, std::vector<double>& gradient, std::vector<double>& hessian) {
    std::fill(gradient.begin(), gradient.end(), 0);
    std::fill(hessian.begin(), hessian.end(), 0);
    const double share_of_row = 1 / static_cast<double>(rows.logits.rows());
    const std::size_t size = 2 * labels;
    std::vector<double> shares(labels);
    for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
      const std::span<const float> logits = rows.logits[row];
      for (std::size_t label = 0; label < labels; ++label) shares[label] = at[label] * double{logits[label]} + at[labels + label];
      softmax_in_place(shares);
      for (std::size_t label = 0; label < labels; ++label) {
        const double off = (shares[label] - rows.is_true[row * labels + label]) * share_of_row;
        gradient[label] += off * double{logits[label]};
        gradient[labels + label] += off;
        for (std::size_t other = 0; other <= label; ++other) {
          const double second = shares[label] * ((other == label ? 1 : 0) - shares[other]) * share_of_row;
          hessian[label * size + other] += second * double{logits[label]} * double{logits[other]};
          hessian[(labels + label) * size + other] += second * double{logits[other]};
          if (other != label) hessian[(labels + other) * size + label] += second * double{logits[label]};
          hessian[(labels + label) * size + labels + other] += second;
        }
      }
    }
    add_pull(at, gradient, hessian);
  };
  return {2 * labels, value, derivatives};
}

// Of a sigmoid each label is a fit of its own.
Loss sigmoid_loss(const LabelledLogits& rows, std::size_t label) {
  const std::size_t labels = rows.logits.row_size();
  const double share_of_row = 1 / static_cast<double>(rows.logits.rows());
  const auto value = [&rows, labels, label, share_of_row](std::span<const double> at) {
    double sum = 0;
    for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
      const double logit = at[0] * double{rows.logits[row][label]} + at[1];
      sum += softplus(rows.is_true[row * labels + label] != 0 ? -logit : logit);
    }
    return sum * share_of_row + pull(at);
  };
  const auto derivatives = [&rows, labels, label, share_of_row](std::span<const double> at, std::vector<double>& gradient, std::vector<double>& hessian) {
    std::fill(gradient.begin(), gradient.end(), 0);
    std::fill(hessian.begin(), hessian.end(), 0);
    for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
      const double logit = rows.logits[row][label], share = sigmoid_of(at[0] * logit + at[1]);
      const double off = (share - rows.is_true[row * labels + label]) * share_of_row, second = share * (1 - share) * share_of_row;
      gradient[0] += off * logit;
      gradient[1] += off;
      hessian[0] += second * logit * logit;
      hessian[2] += second * logit;
      hessian[3] += second;
    }
    add_pull(at, gradient, hessian);
  };
  return {2, value, derivatives};
}

}  // namespace

TemperatureFit fit_temperature(const LabelledLogits& rows, FunctionToApply function) {
  double low = 1 / kMostTemperature, high = 1 / kLeastTemperature;  // of the factor, in which the loss is convex
  if (by_factor(rows, function, low).first >= 0) return {kMostTemperature, true};
  if (by_factor(rows, function, high).first <= 0) return {kLeastTemperature, true};
  double factor = 1;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const Derivatives at = by_factor(rows, function, factor);
    (at.first > 0 ? high : low) = factor;
    double next = factor - at.first / at.second;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    const bool is_still = std::abs(next - factor) <= 1e-14 * factor;
    factor = next;
    if (is_still) break;
  }
  return {1 / factor, false};
}

VectorFit fit_vector(const LabelledLogits& rows, FunctionToApply function) {
  const std::size_t labels = rows.logits.row_size();
  VectorFit fit{std::vector<double>(labels, 1), std::vector<double>(labels, 0)};
  if (function == FunctionToApply::softmax) {
    std::vector<double> at(2 * labels, 0);
    std::fill(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(labels), 1);
    minimise(softmax_loss(rows), at);
    std::copy(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(labels), fit.weights.begin());
    std::copy(at.begin() + static_cast<std::ptrdiff_t>(labels), at.end(), fit.biases.begin());
    return fit;
  }
  for (std::size_t label = 0; label < labels; ++label) {
    std::vector<double> at = {1, 0};
    minimise(sigmoid_loss(rows, label), at);
    fit.weights[label] = at[0];
    fit.biases[label] = at[1];
  }
  return fit;
}

double log_loss(const LabelledLogits& rows, FunctionToApply function, const std::vector<double>& weights, const std::vector<double>& biases) {
  const std::size_t labels = rows.logits.row_size();
  const bool is_softmax = function == FunctionToApply::softmax;
  std::vector<double> moved(labels);
  double sum = 0;
  for (std::size_t row = 0; row < rows.logits.rows(); ++row) {
    double of_truth = 0;
    for (std::size_t label = 0; label < labels; ++label) {
      moved[label] = weights[label] * double{rows.logits[row][label]} + biases[label];
      const bool is_true = rows.is_true[row * labels + label] != 0;
      if (is_true) of_truth = moved[label];
      if (!is_softmax) sum += softplus(is_true ? -moved[label] : moved[label]);
    }
    if (is_softmax) sum += softmax_in_place(moved) - of_truth;
  }
  return sum / static_cast<double>(rows.logits.rows() * (is_softmax ? 1 : labels));
}

}  // namespace filbert
