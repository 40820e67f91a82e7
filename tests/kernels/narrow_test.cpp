// Products of bf16 and of 8-bit numbers: every table that this CPU can run against plain arithmetic, and against the scalar one.
#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/product.h"

namespace filbert {
namespace {

const std::vector<Shape> kShapes = {{1, 1, 1}, {1, 384, 384}, {3, 7, 5}, {8, 64, 48}, {9, 33, 49}, {17, 102, 97}, {31, 12, 200}, {5, 3072, 23}};

class Narrow : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(EveryTable, Narrow, testing::ValuesIn(available_tables()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST_P(Narrow, Bf16GemmIsTheSumOfProductsOfRoundedNumbers) {
  for (const Shape& shape : kShapes) {
    const Product product(shape);
    const auto c = run(table.bf16, product, false);
    for (std::size_t at = 0; at < c.size(); ++at) {
      const std::size_t row = at / shape.columns, column = at % shape.columns;
      double expected = product.bias[column];
      for (std::size_t k = 0; k < shape.depth; ++k) {
        expected += bf16(product.a[row * shape.depth + k]) * bf16(product.weight[column * shape.depth + k]);
      }
      // A sum of f32 as in the f32 product: one rounding of 2^-24 a term.
      ASSERT_NEAR(c[at], expected, 2e-7 * static_cast<double>(shape.depth) + 1e-6) << shape.rows << "x" << shape.depth << "x" << shape.columns;
    }
  }
}

TEST_P(Narrow, Int8RowsAreTheNumbersOfTheScalarTable) {
  for (const Shape& shape : kShapes) {
    const Product product(shape);
    const Prepared prepared(table.int8, product), expected(scalar_table().int8, product);
    for (std::size_t row = 0; row < shape.rows; ++row) {
      ASSERT_EQ(prepared.scales[row].scale, expected.scales[row].scale);
      ASSERT_EQ(prepared.scales[row].zero_point, expected.scales[row].zero_point);
      for (std::size_t k = 0; k < shape.depth; ++k) {
        ASSERT_EQ(prepared.int8_at(table.int8, row, k), expected.int8_at(scalar_table().int8, row, k)) << row << " " << k;
      }
    }
  }
}

TEST_P(Narrow, Int8RowsStandForTheirNumbersWithinHalfAStep) {
  const Product product({4, 301, 1}, 2);
  const Prepared prepared(table.int8, product);
  for (std::size_t row = 0; row < 4; ++row) {
    const RowScale scale = prepared.scales[row];
    for (std::size_t k = 0; k < 301; ++k) {
      const double x = (static_cast<double>(product.a[row * 301 + k]) - product.center[k]) * product.factor[k];
      const double step = scale.scale;
      // Half a step, and as much again where the zero point was rounded at the ends of the range.
      ASSERT_NEAR(step * (prepared.int8_at(table.int8, row, k) - scale.zero_point), x, step * 1.001) << k;
    }
  }
}

TEST_P(Narrow, Int8GemmHasTheBitsOfTheScalarTable) {
  for (const Shape& shape : kShapes) {
    const Product product(shape);
    EXPECT_EQ(run(table.int8, product, true), run(scalar_table().int8, product, true)) << shape.rows << "x" << shape.depth << "x" << shape.columns;
  }
}

TEST_P(Narrow, Int8GemmIsTheSumOfProducts) {
  const Product product({7, 90, 53});
  const Prepared prepared(table.int8, product);
  const auto c = run(table.int8, product, true);
  for (std::size_t at = 0; at < c.size(); ++at) {
    const std::size_t row = at / 53, column = at % 53;
    double sum = 0;
    for (std::size_t k = 0; k < 90; ++k) {
      sum += (prepared.int8_at(table.int8, row, k) - prepared.scales[row].zero_point) * product.weight_int8[column * 90 + k];
    }
    const double expected = sum * prepared.scales[row].scale * product.column_scales[column] + product.bias[column];
    ASSERT_NEAR(c[at], expected, 1e-6 * (1 + std::abs(expected))) << row << " " << column;  // three roundings of f32
  }
}

// The largest numbers there are, all of one sign: where sums of 16 bits would saturate.
TEST_P(Narrow, Int8GemmDoesNotSaturate) {
  for (const float sign : {1.0f, -1.0f}) {
    Product product({5, 3072, 30});
    std::ranges::fill(product.a, 1.0f);
    std::ranges::fill(product.center, 0.0f);
    std::ranges::fill(product.factor, 1.0f);
    std::ranges::fill(product.column_scales, 1.0f);
    std::ranges::fill(product.bias, 0.0f);
    std::ranges::fill(product.weight_int8, static_cast<std::int8_t>(127 * sign));
    for (const float value : run(table.int8, product, true)) ASSERT_NEAR(value, sign * 127 * 3072, 1);
  }
}

TEST_P(Narrow, RowOfZerosGivesTheBias) {
  Product product({2, 16, 9});
  std::ranges::fill(product.a, 0.0f);
  std::ranges::fill(product.center, 0.0f);
  for (const bool int8 : {false, true}) {
    const auto c = run(int8 ? table.int8 : table.bf16, product, int8);
    for (std::size_t at = 0; at < c.size(); ++at) ASSERT_EQ(c[at], product.bias[at % 9]);
  }
}

TEST_P(Narrow, RowHasTheSameBitsInAnyTile) {
  const Shape shape{40, 83, 61};
  const Product product(shape, 4);
  for (const bool int8 : {false, true}) {
    const NarrowKernels& kernels = int8 ? table.int8 : table.bf16;
    const auto all = run(kernels, product, int8, Activation::gelu);
    for (std::size_t row = 0; row < shape.rows; ++row) {
      Product alone = product;
      alone.shape.rows = 1;
      alone.a.assign(product.a.begin() + row * shape.depth, product.a.begin() + (row + 1) * shape.depth);
      const auto c = run(kernels, alone, int8, Activation::gelu);
      ASSERT_TRUE(std::equal(c.begin(), c.end(), all.begin() + row * shape.columns)) << row;
    }
  }
}

TEST(RoundToBf16, NearestTiesToEvenAndNaNStays) {
  EXPECT_EQ(round_to_bf16(1.0f), 0x3F80);
  EXPECT_EQ(round_to_bf16(1.0f + 0x1p-8f), 0x3F80);           // a tie: to the even one below
  EXPECT_EQ(round_to_bf16(1.0f + 3 * 0x1p-8f), 0x3F82);       // a tie: to the even one above
  EXPECT_EQ(round_to_bf16(1.0f + 0x1.01p-8f), 0x3F81);
  EXPECT_EQ(round_to_bf16(-std::numeric_limits<float>::infinity()), 0xFF80);
  EXPECT_EQ(round_to_bf16(std::numeric_limits<float>::max()), 0x7F80);  // nearer to infinity than to the last bf16
  EXPECT_TRUE(std::isnan(bf16(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace filbert
