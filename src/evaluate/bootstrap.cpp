#include "evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "base/thread_pool.h"

namespace filbert {
namespace {

// SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014): a sample's numbers need only its own state, so that
// samples can be drawn in any order.
std::uint64_t mixed(std::uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9U;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBU;
  return state ^ (state >> 31);
}
constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;

}  // namespace

void draw_weights(std::uint64_t seed, std::size_t sample, std::span<std::uint32_t> weights) {
  std::ranges::fill(weights, 0U);
  std::uint64_t state = mixed(mixed(seed + kStep) + kStep * (sample + 1));
  const std::uint64_t texts = weights.size();  // below 2^32: a product of 32 bits by 32 has the index on top
  for (std::uint64_t drawn = 0; drawn < texts; ++drawn) {
    state += kStep;
    ++weights[(mixed(state) >> 32) * texts >> 32];
  }
}

std::vector<std::vector<double>> bootstrap(const PreparedTexts& texts, const EvaluateOptions& options) {
  std::vector<std::vector<double>> samples(options.bootstrap);
  ThreadPool threads(std::max(1U, options.num_threads));
  std::vector<std::vector<std::uint32_t>> weights(threads.size());
  threads.parallel_for(samples.size(), [&](std::size_t sample, unsigned thread) {
    weights[thread].resize(texts.texts());
    draw_weights(options.seed, sample, weights[thread]);
    samples[sample] = figures(texts, weights[thread]);
  });
  return samples;
}

double quantile(std::vector<double>& values, double share) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return kNoNumber;
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

Measure with_interval(double value, std::vector<double> samples, double confidence) {
  if (std::isnan(value)) return {};
  return {value, quantile(samples, (1 - confidence) / 2), quantile(samples, (1 + confidence) / 2)};
}

}  // namespace filbert
