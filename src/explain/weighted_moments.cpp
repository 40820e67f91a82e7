#include "explain/weighted_moments.h"

#include <algorithm>

namespace filbert {
namespace {

std::size_t row_begin(std::size_t player) { return player * (player + 1) / 2; }

}  // namespace

WeightedMoments::WeightedMoments(std::size_t num_players)
    : players_(num_players), players_y_(num_players), pairs_(row_begin(num_players)) {}

void WeightedMoments::add(std::span<const std::uint8_t> kept, double y, double weight) {
  if (rows_++ == 0) first_y_ = y;
  const double difference = y - first_y_;
  weight_ += weight;
  y_ += weight * difference;
  y_y_ += weight * difference * difference;
  removed_.clear();
  for (std::size_t player = 0; player < kept.size(); ++player) {
    if (kept[player]) continue;
    removed_.push_back(player);
    players_[player] += weight;
    players_y_[player] += weight * difference;
    double* const row = pairs_.data() + row_begin(player);
    for (const std::size_t other : removed_) row[other] += weight;
  }
}

double WeightedMoments::gram(std::size_t player, std::size_t other) const {
  const double both = pairs_[row_begin(std::max(player, other)) + std::min(player, other)];
  return both - players_[player] * (players_[other] / weight_);
}

double WeightedMoments::variance() const { return std::max(0.0, y_y_ - y_ * (y_ / weight_)); }

}  // namespace filbert
