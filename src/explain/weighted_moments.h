// All that a line fitted by weighted least squares needs of its samples: sums over them of products of two columns. However many samples
// there are, they are as many numbers as there are pairs of players.
//
// The sums are about the first sample, which is LIME's text itself: there every column is 0 (removed counts 1) and so is y. The samples
// that weigh most lie near it, so that little cancels when the means come off, and labels that are all equal give exact zeros.
// Tested by lime_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace filbert {

class WeightedMoments {
 public:
  explicit WeightedMoments(std::size_t num_players);

  // A sample: which players it keeps, its label, and its weight, which is not negative. The first keeps all, and its weight is not 0.
  void add(std::span<const std::uint8_t> kept, double y, double weight);

  std::size_t rows() const { return rows_; }
  std::size_t num_players() const { return players_.size(); }
  // Weighted means.
  double mean(std::size_t player) const { return 1 - players_[player] / weight_; }
  double mean_y() const { return first_y_ + y_ / weight_; }
  // Weighted sums of products about the means; a kept player is 1, a removed one 0.
  double gram(std::size_t player, std::size_t other) const;
  double covariance(std::size_t player) const { return players_[player] * (y_ / weight_) - players_y_[player]; }
  double variance() const;

 private:
  std::size_t rows_ = 0;
  double first_y_ = 0;
  double weight_ = 0;                // Σ w
  double y_ = 0;                     // Σ w (y − first_y_)
  double y_y_ = 0;                   // Σ w (y − first_y_)²
  std::vector<double> players_;      // [num_players] Σ w of the samples without the player
  std::vector<double> players_y_;    // [num_players] Σ w (y − first_y_) of them
  std::vector<double> pairs_;        // [num_players (num_players + 1) / 2] Σ w of the samples without either, a row for each later player
  std::vector<std::size_t> removed_; // of the sample at hand
};

}  // namespace filbert
