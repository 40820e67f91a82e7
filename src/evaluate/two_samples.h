// Are two samples of one kind? The population stability index, and how large it gets by chance; Kolmogorov and Smirnov's test; the
// chi-square test. All of counts, so that a sample is kept in little memory. Tested by two_samples_test.cpp against scipy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace filbert {

using ValueCounts = std::map<double, std::uint64_t>;  // how many have each value
std::uint64_t total(const ValueCounts& counts);
// The least value below or at which the share `q` lies, q in (0, 1]: numpy.quantile(method="inverted_cdf"). `counts` is not empty.
double quantile(const ValueCounts& counts, double q);

// Between bins that hold equally many of `reference`, as far as its values let them: the quantiles 1/bins … (bins − 1)/bins, each once.
// Bin i is (edges[i − 1], edges[i]]; below the first and above the last edge there is no end.
std::vector<double> quantile_edges(const ValueCounts& reference, std::size_t bins);
std::size_t bin_of(std::span<const double> edges, double value);
std::vector<std::uint64_t> binned(const ValueCounts& counts, std::span<const double> edges);

// What each bin adds to the PSI, Σ (c − r) ln(c / r) over the bins' shares r of the reference and c of the current sample. So that no share is
// 0, each sample gets one more member, spread over the bins as both samples together are. A bin that is empty in both adds 0.
std::vector<double> psi_parts(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current);
double psi(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current);

// The PSI of `replicates` pairs of samples as large as these, both drawn from the two together, ascending: what there is without drift.
std::vector<double> psi_by_chance(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current, std::size_t replicates,
                                  std::uint64_t seed);

struct TestResult {
  double statistic = 0;
  double p_value = 1;
};
// Two-sided; the p-value is that of Kolmogorov's limit, scipy.special.kolmogorov(sqrt(n m / (n + m)) D). Neither may be empty.
TestResult kolmogorov_smirnov(const ValueCounts& reference, const ValueCounts& current);
// Pearson's, without correction: scipy.stats.chi2_contingency(correction=False) of the two rows, without columns of zeros.
TestResult chi_square(std::span<const std::uint64_t> reference, std::span<const std::uint64_t> current);

// P(K > x) of Kolmogorov's distribution; the upper tail of chi-square with `degrees`.
double kolmogorov_tail(double x);
double chi_square_tail(double x, double degrees);

}  // namespace filbert
