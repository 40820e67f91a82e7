// Linear layers of numbers in memory, whose outputs may lie between others.
#include "infer/linear.h"

#include <vector>

#include <gtest/gtest.h>

#include "reference/rows.h"

namespace filbert {
namespace {

using namespace reference;

// Small whole numbers, so that sums are exact in every dtype that has them.
std::vector<float> whole_numbers(Random& random, std::size_t count) {
  std::vector<float> numbers;
  for (std::size_t at = 0; at < count; ++at) numbers.push_back(static_cast<float>(random.between(0, 6)) - 3.0f);
  return numbers;
}

TEST(Linear, GroupsLieSideBySideInEveryTable) {
  constexpr std::size_t kIn = 19, kOut = 21, kRows = 11, kGroups = 2;
  Random random(7);
  const std::vector<float> x = whole_numbers(random, kRows * kIn * kGroups), weight = whole_numbers(random, kGroups * kOut * kIn);
  const std::vector<float> bias = whole_numbers(random, kGroups * kOut);
  std::vector<float> expected;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t output = 0; output < kGroups * kOut; ++output) {
      float sum = bias[output];
      for (std::size_t k = 0; k < kIn; ++k) sum += weight[output * kIn + k] * x[row * kIn * kGroups + output / kOut * kIn + k];
      expected.push_back(sum);
    }
  }
  for (const KernelTable* table : available_tables()) {
    for (const ComputeDtype dtype : {ComputeDtype::f32, ComputeDtype::bf16}) {
      std::vector<float> y(kRows * kGroups * kOut);
      PreparedRows prepared;
      for (std::size_t group = 0; group < kGroups; ++group) {
        const Linear linear = pack_linear(*table, {}, std::span(weight).subspan(group * kOut * kIn, kOut * kIn),
                                          std::span(bias).subspan(group * kOut, kOut), dtype);
        apply(*table, {}, linear, Activation::none, {x.data() + group * kIn, kIn * kGroups, kRows}, prepared, y.data() + group * kOut, kGroups * kOut);
      }
      EXPECT_EQ(y, expected) << table->name << " " << name(dtype);
    }
  }
}

}  // namespace
}  // namespace filbert
