#include "explain/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace filbert {

std::uint64_t RandomState::interval(std::uint64_t most) {
  if (most == 0) return 0;  // nothing is drawn
  const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(most);
  while (true) {
    std::uint64_t drawn = next();
    if (most > 0xFFFFFFFF) drawn = drawn << 32 | next();
    if ((drawn & mask) <= most) return drawn & mask;
  }
}

std::vector<std::size_t> RandomState::permutation(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(order);
  return order;
}

void RandomState::shuffle(std::span<std::size_t> values) {
  for (std::size_t last = values.size(); last-- > 1;) std::swap(values[last], values[interval(last)]);
}

double RandomState::random_sample() {
  const std::uint32_t high = next() >> 5;
  const std::uint32_t low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double RandomState::randn() {
  if (next_normal_) return *std::exchange(next_normal_, std::nullopt);
  double x = 0;
  double y = 0;
  double square = 0;
  do {
    x = 2.0 * random_sample() - 1.0;
    y = 2.0 * random_sample() - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(square) / square);
  next_normal_ = factor * x;
  return factor * y;
}

std::size_t RandomState::choice(std::span<const double> probabilities) {
  std::vector<double> cumulated(probabilities.size());
  std::partial_sum(probabilities.begin(), probabilities.end(), cumulated.begin());
  const double total = cumulated.back();
  for (double& each : cumulated) each /= total;
  const double drawn = random_sample();
  const auto above = std::upper_bound(cumulated.begin(), cumulated.end(), drawn);
  return static_cast<std::size_t>(std::min(above, cumulated.end() - 1) - cumulated.begin());
}

}  // namespace filbert
