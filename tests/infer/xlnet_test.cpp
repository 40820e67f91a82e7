#include "infer/xlnet_distances.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

TEST(XlnetDistances, SinusoidsAreOrderedByKeyMinusQuery) {
  AlignedFloats table;
  const float* sinusoids = sinusoids_of(3, 4, 0, table);
  for (int key_minus_query = -2; key_minus_query <= 2; ++key_minus_query, sinusoids += 4) {
    const auto distance = static_cast<float>(-key_minus_query);
    EXPECT_FLOAT_EQ(sinusoids[0], std::sin(distance));
    EXPECT_FLOAT_EQ(sinusoids[1], std::sin(distance * 0.01f));
    EXPECT_FLOAT_EQ(sinusoids[2], std::cos(distance));
    EXPECT_FLOAT_EQ(sinusoids[3], std::cos(distance * 0.01f));
  }
}

TEST(XlnetDistances, LongerTableHoldsTheShorterOne) {
  AlignedFloats shorter, longer;
  const float* expected = sinusoids_of(5, 6, 0, shorter);
  sinusoids_of(40, 6, 0, longer);
  const float* found = sinusoids_of(5, 6, 0, longer);
  EXPECT_EQ(std::vector<float>(expected, expected + 54), std::vector<float>(found, found + 54));
}

TEST(XlnetDistances, ClampedOnesAreAsTheFurthest) {
  AlignedFloats table;
  const float* sinusoids = sinusoids_of(6, 2, 3, table);
  const std::vector<float> expected = {std::sin(3.0f), std::sin(3.0f), std::sin(3.0f), std::sin(2.0f)};
  for (std::size_t at = 0; at < expected.size(); ++at) EXPECT_FLOAT_EQ(sinusoids[2 * at], expected[at]);
}

}  // namespace
}  // namespace filbert
