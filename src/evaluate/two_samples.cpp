#include "evaluate/two_samples.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

namespace filbert {
namespace {

std::uint64_t sum(std::span<const std::uint64_t> counts) { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

// Random numbers that are the same with every standard library, whose distributions differ.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}

  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

  // Successes of `trials` with probability p. Up to a mean of 500 exact, by adding up the distribution; above, rounded from the normal one,
  // whose error is then far below what a bin of a PSI shows.
  std::uint64_t binomial(std::uint64_t trials, double p) {
    if (p <= 0 || trials == 0) return 0;
    if (p >= 1) return trials;
    if (p > 0.5) return trials - binomial(trials, 1 - p);
    const double n = static_cast<double>(trials);
    if (n * p > 500) {
      const double drawn = std::round(n * p + std::sqrt(n * p * (1 - p)) * normal());
      return static_cast<std::uint64_t>(std::clamp(drawn, 0.0, n));
    }
    const double odds = p / (1 - p);
    double probability = std::exp(n * std::log1p(-p)), left = uniform();
    std::uint64_t successes = 0;
    while (left > probability && successes < trials) {
      left -= probability;
      probability *= odds * (n - static_cast<double>(successes)) / static_cast<double>(successes + 1);
      ++successes;
    }
    return successes;
  }

  // `counts` becomes how `trials` fall on bins with these weights.
  void multinomial(std::uint64_t trials, std::span<const std::uint64_t> weights, std::uint64_t weight, std::vector<std::uint64_t>& counts) {
    for (std::size_t bin = 0; bin < weights.size(); ++bin) {
      counts[bin] = weight == 0 ? 0 : binomial(trials, static_cast<double>(weights[bin]) / static_cast<double>(weight));
      trials -= counts[bin];
      weight -= weights[bin];
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

std::uint64_t total(const ValueCounts& counts) {
  std::uint64_t all = 0;
  for (const auto& [value, count] : counts) all += count;
  return all;
}

double quantile(const ValueCounts& counts, double q) {
  const double wanted = q * static_cast<double>(total(counts));
  std::uint64_t seen = 0;
  for (const auto& [value, count] : counts) {
    seen += count;
    if (static_cast<double>(seen) >= wanted) return value;
  }
  return counts.rbegin()->first;
}

std::vector<double> quantile_edges(const ValueCounts& reference, std::size_t bins) {
  std::vector<double> edges;
  for (std::size_t edge = 1; edge < bins; ++edge) {
    const double value = quantile(reference, static_cast<double>(edge) / static_cast<double>(bins));
    if (edges.empty() || value > edges.back()) edges.push_back(value);
  }
  return edges;
}

std::size_t bin_of(std::span<const double> edges, double value) {
  return static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), value) - edges.begin());
}

std::vector<std::uint64_t> binned(const ValueCounts& counts, std::span<const double> edges) {
  std::vector<std::uint64_t> bins(edges.size() + 1);
  for (const auto& [value, count] : counts) bins[bin_of(edges, value)] += count;
  return bins;
}

std::vector<double> psi_parts(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current) {
  const auto all_reference = static_cast<double>(sum(reference)), all_current = static_cast<double>(sum(current));
  std::vector<double> parts(reference.size());
  for (std::size_t bin = 0; bin < parts.size(); ++bin) {
    if (reference[bin] + current[bin] == 0) continue;
    const auto of_reference = static_cast<double>(reference[bin]), of_current = static_cast<double>(current[bin]);
    const double both = (of_reference + of_current) / (all_reference + all_current);
    const double r = (of_reference + both) / (all_reference + 1), c = (of_current + both) / (all_current + 1);
    parts[bin] = (c - r) * std::log(c / r);
  }
  return parts;
}

double psi(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current) {
  const std::vector<double> parts = psi_parts(reference, current);
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

std::vector<double> psi_by_chance(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current, std::size_t replicates,
                                  std::uint64_t seed) {
  std::vector<std::uint64_t> both(reference.size()), one(reference.size()), other(reference.size());
  for (std::size_t bin = 0; bin < both.size(); ++bin) both[bin] = reference[bin] + current[bin];
  const std::uint64_t all_reference = sum(reference), all_current = sum(current);
  Draws draws(seed);
  std::vector<double> values;
  for (std::size_t replicate = 0; replicate < replicates; ++replicate) {
    draws.multinomial(all_reference, both, all_reference + all_current, one);
    draws.multinomial(all_current, both, all_reference + all_current, other);
    values.push_back(psi(one, other));
  }
  std::ranges::sort(values);
  return values;
}

TestResult kolmogorov_smirnov(const ValueCounts& reference, const ValueCounts& current) {
  const auto n = static_cast<double>(total(reference)), m = static_cast<double>(total(current));
  auto of_reference = reference.begin(), of_current = current.begin();
  std::uint64_t below_reference = 0, below_current = 0;
  double distance = 0;
  while (of_reference != reference.end() || of_current != current.end()) {
    const bool takes_reference = of_current == current.end() || (of_reference != reference.end() && of_reference->first <= of_current->first);
    const bool takes_current = of_reference == reference.end() || (of_current != current.end() && of_current->first <= of_reference->first);
    if (takes_reference) below_reference += (of_reference++)->second;
    if (takes_current) below_current += (of_current++)->second;
    distance = std::max(distance, std::abs(static_cast<double>(below_reference) / n - static_cast<double>(below_current) / m));
  }
  return {distance, kolmogorov_tail(std::sqrt(n * m / (n + m)) * distance)};
}

TestResult chi_square(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current) {
  const auto n = static_cast<double>(sum(reference)), m = static_cast<double>(sum(current));
  TestResult result{0, 1};
  double columns = 0;
  for (std::size_t bin = 0; bin < reference.size(); ++bin) {
    const auto of_reference = static_cast<double>(reference[bin]), of_current = static_cast<double>(current[bin]);
    if (of_reference + of_current == 0) continue;
    ++columns;
    const double expected_reference = (of_reference + of_current) * n / (n + m), expected_current = (of_reference + of_current) * m / (n + m);
    result.statistic += (of_reference - expected_reference) * (of_reference - expected_reference) / expected_reference;
    result.statistic += (of_current - expected_current) * (of_current - expected_current) / expected_current;
  }
  if (columns > 1) result.p_value = chi_square_tail(result.statistic, columns - 1);
  return result;
}

double kolmogorov_tail(double x) {
  if (x <= 0) return 1;
  constexpr double kPi = std::numbers::pi;
  double sum_of_terms = 0;
  if (x < 1) {  // the series in which few terms count here
    for (int k = 1; k <= 40; k += 2) sum_of_terms += std::exp(-k * k * kPi * kPi / (8 * x * x));
    return std::max(0.0, 1 - std::sqrt(2 * kPi) / x * sum_of_terms);
  }
  for (int k = 1; k <= 20; ++k) sum_of_terms += (k % 2 == 1 ? 1 : -1) * std::exp(-2.0 * k * k * x * x);
  return std::clamp(2 * sum_of_terms, 0.0, 1.0);
}

// The upper incomplete gamma function Q(degrees / 2, x / 2): a series for its complement, or a continued fraction (Lentz).
double chi_square_tail(double x, double degrees) {
  const double a = degrees / 2, z = x / 2;
  if (z <= 0) return 1;
  const double factor = std::exp(a * std::log(z) - z - std::lgamma(a));
  if (z < a + 1) {
    double term = 1 / a, series = term;
    for (int k = 1; k < 10'000 && term > series * 1e-17; ++k) series += term *= z / (a + k);
    return 1 - factor * series;
  }
  constexpr double kTiny = 1e-300;
  double b = z + 1 - a, c = 1 / kTiny, d = 1 / b, fraction = d;
  for (int k = 1; k < 10'000; ++k) {
    const double an = -k * (k - a);
    b += 2;
    d = an * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return factor * fraction;
}

}  // namespace filbert
