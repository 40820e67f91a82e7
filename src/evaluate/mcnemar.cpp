// McNemar's test: of the texts that only one of two models has right, are the shares of the two what a coin would give? Exact, and with half of
// the probability of what was seen (Fagerland, Lydersen and Laake, The McNemar test for binary matched-pairs data, 2013): mid-p holds its level
// nearly always and is less conservative. Tested by mcnemar_test.cpp.
#include <algorithm>
#include <cmath>

#include <filbert/evaluate.h>

namespace filbert {

std::pair<double, double> mcnemar(std::uint64_t only_first, std::uint64_t only_second) {
  const std::uint64_t all = only_first + only_second, least = std::min(only_first, only_second);
  if (all == 0) return {1, 1};
  // ln of the probability of exactly `least`; in long double, since the logarithms of the factorials are large and nearly cancel.
  const auto n = static_cast<long double>(all), k = static_cast<long double>(least);
  const long double seen = std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2.0L));
  long double below = 0, term = seen;  // of fewer: each term from the one above
  for (std::uint64_t count = least; count > 0 && term > below * 1e-22L; --count) {
    term *= static_cast<long double>(count) / static_cast<long double>(all - count + 1);
    below += term;
  }
  return {static_cast<double>(std::min(1.0L, 2 * (below + seen))), static_cast<double>(std::min(1.0L, 2 * below + seen))};
}

}  // namespace filbert
