#include "infer/rotary.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

double dot(const std::vector<float>& a, const std::vector<float>& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

std::vector<float> rotated(std::vector<float> x, const float* table, std::size_t position) {
  rotate(table + position * x.size(), x.size(), 1, x.size(), x.data());
  return x;
}

TEST(Rotary, FirstPairTurnsByOneForEachPosition) {
  AlignedFloats table;
  const float* angles = rotary_table(rotary_frequencies(10'000, 4), 8, table);
  const std::vector<float> x = rotated({1, 0, 0, 1}, angles, 7);
  EXPECT_FLOAT_EQ(x[0], std::cos(7.0f));
  EXPECT_FLOAT_EQ(x[2], std::sin(7.0f));
  EXPECT_FLOAT_EQ(x[1], -std::sin(7.0f * 0.01f));
  EXPECT_FLOAT_EQ(x[3], std::cos(7.0f * 0.01f));
}

TEST(Rotary, ProductDependsOnTheDistanceAlone) {
  const std::vector<float> query = {0.3f, -1.2f, 0.7f, 2.0f, -0.4f, 0.9f}, key = {1.1f, 0.2f, -0.6f, 0.5f, 1.4f, -0.8f};
  AlignedFloats table;
  const float* angles = rotary_table(rotary_frequencies(160'000, query.size()), 300, table);
  const double expected = dot(rotated(query, angles, 5), rotated(key, angles, 0));
  for (const std::size_t position : {1u, 17u, 250u}) {
    // 1e-4: an angle of 250 is known to 1.5e-5 in f32.
    EXPECT_NEAR(dot(rotated(query, angles, position + 5), rotated(key, angles, position)), expected, 1e-4) << position;
  }
}

TEST(Rotary, TableThatHasGrownBeginsAsItWas) {
  const std::vector<float> frequencies = rotary_frequencies(1'000, 10);
  AlignedFloats table;
  const float* angles = rotary_table(frequencies, 3, table);
  const std::vector<float> before(angles, angles + 30);
  const float* more = rotary_table(frequencies, 100, table);
  EXPECT_EQ(before, std::vector<float>(more, more + 30));
  EXPECT_EQ(more, rotary_table(frequencies, 128, table)) << "nothing is allocated once it is long enough";
}

}  // namespace
}  // namespace filbert
