#include "explain/lime_samples.h"

#include <cmath>
#include <vector>

namespace filbert {

LimeSamples::LimeSamples(std::size_t num_players, std::size_t num_samples, std::uint32_t seed)
    : num_players_(num_players), sizes_(seed), sets_(seed) {
  for (std::size_t sample = 1; sample < num_samples; ++sample) sets_.randint(1, num_players_ + 1);
}

void LimeSamples::add_next(Masks& masks) {
  const auto row = masks.add_row(1);
  if (first_) {
    first_ = false;
    return;
  }
  const std::size_t removed = sizes_.randint(1, num_players_ + 1);
  const std::vector<std::size_t> order = sets_.permutation(num_players_);
  for (std::size_t i = 0; i < removed; ++i) row[order[i]] = 0;
}

double lime_distance(std::size_t kept, std::size_t num_players) {
  if (kept == num_players) return 0;
  return 100 * (1 - std::sqrt(static_cast<double>(kept) / static_cast<double>(num_players)));
}

double lime_weight(double distance, double kernel_width) {
  return std::sqrt(std::exp(-(distance * distance) / (kernel_width * kernel_width)));
}

}  // namespace filbert
