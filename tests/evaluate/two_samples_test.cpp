// Against scipy, by what tools/make_drift_goldens.py recorded; and what is claimed of the PSI that chance gives.
#include "evaluate/two_samples.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

nlohmann::json two_sample_goldens() { return nlohmann::json::parse(std::ifstream(reference::source_directory() / "tests/data/drift/two_samples.json")); }

ValueCounts counts_of(const nlohmann::json& sample) {
  ValueCounts counts;
  for (std::size_t at = 0; at < sample["values"].size(); ++at) counts[sample["values"][at]] = sample["counts"][at];
  return counts;
}

// 1e-9 of the number itself: both are sums and series in double.
void expect_close(double found, double expected) { EXPECT_LE(std::abs(found - expected), 1e-9 * std::abs(expected) + 1e-15) << found << " " << expected; }

TEST(TwoSamples, NumbersAreThoseOfScipy) {
  std::size_t compared = 0;
  const nlohmann::json all = two_sample_goldens();
  for (const auto& golden : all["numbers"]) {
    SCOPED_TRACE(compared++);
    const ValueCounts reference = counts_of(golden["reference"]), current = counts_of(golden["current"]);
    const std::vector<double> edges = quantile_edges(reference, 10);
    EXPECT_EQ(edges, golden["edges"].get<std::vector<double>>());
    const auto of_reference = binned(reference, edges), of_current = binned(current, edges);
    EXPECT_EQ(of_reference, golden["bins"][0].get<std::vector<std::uint64_t>>());
    EXPECT_EQ(of_current, golden["bins"][1].get<std::vector<std::uint64_t>>());
    expect_close(psi(of_reference, of_current), golden["psi"]);
    const TestResult test = kolmogorov_smirnov(reference, current);
    expect_close(test.statistic, golden["ks"]);
    expect_close(test.p_value, golden["ks_p"]);
    // scipy's own p-value is exact for samples of this size; the limit lies above it, and near where it decides something.
    const double exact = golden["ks_p_scipy"];
    EXPECT_GE(test.p_value, exact - 1e-12);
    EXPECT_LE(test.p_value, exact + 0.06);
  }
  EXPECT_EQ(compared, 36U);
}

TEST(TwoSamples, KindsAreThoseOfScipy) {
  std::size_t compared = 0;
  const nlohmann::json all = two_sample_goldens();
  for (const auto& golden : all["kinds"]) {
    SCOPED_TRACE(compared++);
    const auto reference = golden["reference"].get<std::vector<std::uint64_t>>(), current = golden["current"].get<std::vector<std::uint64_t>>();
    expect_close(psi(reference, current), golden["psi"]);
    const TestResult test = chi_square(reference, current);
    expect_close(test.statistic, golden["chi_square"]);
    expect_close(test.p_value, golden["p"]);
  }
  EXPECT_EQ(compared, 6U);
}

TEST(TwoSamples, TailsAreThoseOfScipy) {
  const nlohmann::json tails = two_sample_goldens()["tails"];
  for (const auto& row : tails["kolmogorov"]) expect_close(kolmogorov_tail(row[0]), row[1]);
  for (const auto& row : tails["chi_square"]) expect_close(chi_square_tail(row[0], row[1]), row[2]);
}

TEST(TwoSamples, EqualSamplesHaveAPsiOfZero) {
  const std::vector<std::uint64_t> counts = {5, 0, 17, 3}, twice = {10, 0, 34, 6}, one = {9};
  EXPECT_EQ(psi(counts, counts), 0);
  EXPECT_NEAR(psi(counts, twice), 0, 1e-4);  // the one member more is half as much of the other
  EXPECT_EQ(psi(one, one), 0);
  EXPECT_EQ(chi_square(one, one).p_value, 1);
}

TEST(TwoSamples, WhatChanceGivesIsAsOftenExceededAsItSays) {
  // Pairs of small samples of one kind: the PSI is above the upper 5 % of what chance gives in about 5 % of them, by the bins of the first.
  reference::Random random(5);
  constexpr int kPairs = 400;
  int above = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    ValueCounts one, other;
    for (int each = 0; each < 120; ++each) ++one[random.normal()];
    for (int each = 0; each < 60; ++each) ++other[random.normal()];
    const std::vector<double> edges = quantile_edges(one, 10);
    const auto a = binned(one, edges), b = binned(other, edges);
    const std::vector<double> chance = psi_by_chance(a, b, 199, static_cast<std::uint64_t>(pair));
    above += psi(a, b) > chance[189];
  }
  EXPECT_LE(above, 36);  // 9 %: three standard deviations above 5 %
  EXPECT_GE(above, 4);
}

TEST(TwoSamples, ChanceIsTheSameForASeedAndSmallForManyTexts) {
  const std::vector<std::uint64_t> small = {20, 30, 50}, large = {2'000'000, 3'000'000, 5'000'000};
  EXPECT_EQ(psi_by_chance(small, small, 50, 3), psi_by_chance(small, small, 50, 3));
  EXPECT_NE(psi_by_chance(small, small, 50, 3), psi_by_chance(small, small, 50, 4));
  const std::vector<double> of_small = psi_by_chance(small, small, 400, 1), of_large = psi_by_chance(large, large, 400, 1);
  EXPECT_TRUE(std::ranges::is_sorted(of_small));
  // (1/n + 1/m) times a chi-square with two degrees, in the mean; 15 %: three standard errors of a mean of 400.
  EXPECT_NEAR(std::accumulate(of_small.begin(), of_small.end(), 0.0) / 400, 2 * 0.02, 0.15 * 2 * 0.02);
  EXPECT_NEAR(std::accumulate(of_large.begin(), of_large.end(), 0.0) / 400, 2 * 2e-7, 0.15 * 2 * 2e-7);
}

}  // namespace
}  // namespace filbert
