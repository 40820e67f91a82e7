#include "explain/lime_fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include "explain/lasso_path.h"

namespace filbert {
namespace {

// What is left of a column beside others, below which it is a combination of them, relative to the column itself.
constexpr double kDependent = 1e-12;

// Solves (gram + alpha 1) w = covariance for these features by Cholesky's factor.
std::vector<double> ridge(const WeightedMoments& moments, const std::vector<std::size_t>& features, double alpha) {
  const std::size_t size = features.size();
  std::vector<double> factor(size * size);  // the lower one; a row of zeros where nothing new is said
  std::vector<double> weights(size);
  for (std::size_t i = 0; i < size; ++i) {
    double* const row = factor.data() + i * size;
    for (std::size_t j = 0; j <= i; ++j) {
      const double* const other = factor.data() + j * size;
      const double product = moments.gram(features[i], features[j]) + (i == j ? alpha : 0);
      const double left = product - std::inner_product(row, row + j, other, 0.0);
      if (i == j) {
        row[j] = left > kDependent * product ? std::sqrt(left) : 0;
      } else {
        row[j] = other[j] > 0 ? left / other[j] : 0;
      }
    }
    const double left = moments.covariance(features[i]) - std::inner_product(row, row + i, weights.begin(), 0.0);
    weights[i] = row[i] > 0 ? left / row[i] : 0;
  }
  for (std::size_t i = size; i-- > 0;) {
    double left = weights[i];
    for (std::size_t j = i + 1; j < size; ++j) left -= factor[j * size + i] * weights[j];
    const double pivot = factor[i * size + i];
    weights[i] = pivot > 0 ? left / pivot : 0;
  }
  return weights;
}

// The places of `values` from the greatest magnitude down, equal ones as they stood; what is no number comes last.
std::vector<std::size_t> by_magnitude(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto magnitude = [&](std::size_t place) { return std::isnan(values[place]) ? -1 : std::abs(values[place]); };
  std::ranges::stable_sort(order, std::ranges::greater{}, magnitude);
  return order;
}

// Each time the feature with which least squares explain most, the first of equals. What a feature adds is what it has in common with
// the rest of y once the chosen are taken out of both.
std::vector<std::size_t> forward_selection(const WeightedMoments& moments, std::size_t num_features) {
  const std::size_t num_players = moments.num_players();
  std::vector<std::size_t> chosen;
  std::vector<std::vector<double>> factor;  // of each chosen one with every player: rows of Cholesky's factor
  std::vector<double> squares(num_players);
  std::vector<double> covariances(num_players);
  std::vector<bool> used(num_players);
  for (std::size_t player = 0; player < num_players; ++player) {
    squares[player] = moments.gram(player, player);
    covariances[player] = moments.covariance(player);
  }
  while (chosen.size() < std::min(num_features, num_players)) {
    std::size_t best = num_players;
    double most = -1;
    const auto adds = [&](std::size_t player) { return squares[player] > kDependent * moments.gram(player, player); };
    for (std::size_t player = 0; player < num_players; ++player) {
      if (used[player]) continue;
      const double gain = adds(player) ? covariances[player] * covariances[player] / squares[player] : 0;
      if (best == num_players || gain > most) best = player, most = gain;
    }
    used[best] = true;
    chosen.push_back(best);
    if (!adds(best)) continue;
    const double pivot = std::sqrt(squares[best]);
    const double explained = covariances[best] / pivot;
    std::vector<double> row(num_players);
    for (std::size_t player = 0; player < num_players; ++player) {
      if (used[player]) continue;
      double common = moments.gram(best, player);
      for (const auto& earlier : factor) common -= earlier[best] * earlier[player];
      row[player] = common / pivot;
      squares[player] -= row[player] * row[player];
      covariances[player] -= row[player] * explained;
    }
    factor.push_back(std::move(row));
  }
  return chosen;
}

std::vector<std::size_t> highest_weights(const WeightedMoments& moments, const std::vector<std::size_t>& all, std::size_t num_features) {
  std::vector<std::size_t> order = by_magnitude(ridge(moments, all, 0.01));
  order.resize(std::min(num_features, order.size()));
  return order;
}

// Those of the last step of the path that has no more than num_features.
std::vector<std::size_t> from_lasso_path(const WeightedMoments& moments, std::vector<std::size_t> all, std::size_t num_features) {
  const auto path = lasso_path(moments);
  for (std::size_t step = path.size(); --step > 0;) {
    all.clear();
    for (std::size_t player = 0; player < path[step].size(); ++player) {
      if (path[step][player] != 0) all.push_back(player);
    }
    if (all.size() <= num_features) break;
  }
  return all;
}

}  // namespace

std::vector<std::size_t> select_features(const WeightedMoments& moments, FeatureSelection selection, std::size_t num_features) {
  std::vector<std::size_t> all(moments.num_players());
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (selection == FeatureSelection::automatic) {
    selection = num_features <= 6 ? FeatureSelection::forward_selection : FeatureSelection::highest_weights;
  }
  switch (selection) {
    case FeatureSelection::forward_selection: return forward_selection(moments, num_features);
    case FeatureSelection::highest_weights: return highest_weights(moments, all, num_features);
    case FeatureSelection::lasso_path: return from_lasso_path(moments, std::move(all), num_features);
    default: return all;
  }
}

LimeExplanation fit_line(const WeightedMoments& moments, FeatureSelection selection, std::size_t num_features, double alpha) {
  const std::vector<std::size_t> chosen = select_features(moments, selection, num_features);
  const std::vector<double> weights = ridge(moments, chosen, alpha);
  LimeExplanation line;
  line.num_samples = moments.rows();
  line.values.resize(moments.num_players());
  line.intercept = line.local_pred = moments.mean_y();
  double explained = 0;  // of the variance
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    line.values[chosen[i]] = weights[i];
    line.intercept -= weights[i] * moments.mean(chosen[i]);
    line.local_pred += weights[i] * (1 - moments.mean(chosen[i]));
    explained += weights[i] * (moments.covariance(chosen[i]) + alpha * weights[i]);
  }
  for (const std::size_t place : by_magnitude(weights)) line.features.push_back(chosen[place]);
  // Labels that are all equal are explained in full, as scikit-learn has it; one label alone explains nothing.
  if (moments.rows() > 1) line.r2 = moments.variance() > 0 ? explained / moments.variance() : 1;
  return line;
}

LimeExplanation fit_line(const Masks& samples, std::span<const double> labels, std::span<const double> weights,
                         FeatureSelection selection, std::size_t num_features, double alpha) {
  assert(labels.size() == samples.rows && weights.size() == samples.rows);
  WeightedMoments moments(samples.num_players);
  for (std::size_t row = 0; row < samples.rows; ++row) moments.add(samples[row], labels[row], weights[row]);
  return fit_line(moments, selection, num_features, alpha);
}

}  // namespace filbert
