// Every table that this CPU can run against plain arithmetic in double.
#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <filbert/error.h>

#include "kernels/product.h"
#include "load/safetensors.h"

namespace filbert {
namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(random);
  return values;
}

class Kernels : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table = *GetParam();

  std::vector<float> gemm(const std::vector<float>& a, const std::vector<float>& weight, const std::vector<float>& bias,
                          std::size_t rows, std::size_t depth, std::size_t columns, Activation activation) {
    return run_f32(table, {rows, depth, columns}, a, weight, bias, activation);
  }
};

INSTANTIATE_TEST_SUITE_P(EveryTable, Kernels, testing::ValuesIn(available_tables()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST_P(Kernels, GemmIsTheSumOfProductsAtAnySize) {
  for (const auto [rows, depth, columns] : {std::array{1, 1, 1}, {1, 384, 384}, {3, 7, 5}, {8, 64, 48}, {9, 33, 49},
                                            {17, 100, 97}, {31, 12, 200}, {64, 384, 77}, {5, 3072, 23}}) {
    const auto m = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(depth), n = static_cast<std::size_t>(columns);
    const auto a = random_floats(m * k, 1), weight = random_floats(n * k, 2), bias = random_floats(n, 3);
    const auto c = gemm(a, weight, bias, m, k, n, Activation::none);
    for (std::size_t row = 0; row < m; ++row) {
      for (std::size_t column = 0; column < n; ++column) {
        double expected = bias[column];
        for (std::size_t at = 0; at < k; ++at) expected += static_cast<double>(a[row * k + at]) * weight[column * k + at];
        // A sum of k terms below 1 in f32: k rounding errors of 2^-24, of sums no larger than √k in practice.
        ASSERT_NEAR(c[row * n + column], expected, 2e-7 * static_cast<double>(k) + 1e-6) << m << "x" << k << "x" << n;
      }
    }
  }
}

TEST_P(Kernels, GemmRowHasTheSameBitsInAnyTile) {
  const std::size_t depth = 83, columns = 61;
  const auto a = random_floats(40 * depth, 4), weight = random_floats(columns * depth, 5), bias = random_floats(columns, 6);
  const auto all = gemm(a, weight, bias, 40, depth, columns, Activation::gelu);
  for (std::size_t row = 0; row < 40; ++row) {
    const std::vector<float> alone_a(a.begin() + row * depth, a.begin() + (row + 1) * depth);
    const auto alone = gemm(alone_a, weight, bias, 1, depth, columns, Activation::gelu);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + row * columns)) << row;
  }
}

TEST_P(Kernels, PackOfTheTransposeIsPackTransposed) {
  const std::size_t depth = 13, columns = 70;
  const auto weight = random_floats(columns * depth, 7);
  std::vector<float> transposed(depth * columns);
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t column = 0; column < columns; ++column) transposed[k * columns + column] = weight[column * depth + k];
  }
  std::vector<float> one(packed_size(table, depth, columns)), other(one.size(), 1);
  table.pack_transposed(weight.data(), columns, depth, depth, one.data());
  table.pack(transposed.data(), depth, columns, columns, other.data());
  EXPECT_EQ(one, other);
}

struct ActivationCase {
  const char* name;
  Activation activation;
  double (*exact)(double x);
};
const ActivationCase kActivations[] = {
    {"none", Activation::none, [](double x) { return x; }},
    {"gelu", Activation::gelu, [](double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }},
    {"gelu_tanh", Activation::gelu_tanh,
     [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }},
    {"gelu_fast", Activation::gelu_fast,
     [](double x) { return 0.5 * x * (1 + std::tanh(x * 0.7978845608 * (1 + 0.044715 * x * x))); }},
    {"quick_gelu", Activation::quick_gelu, [](double x) { return x / (1 + std::exp(-1.702 * x)); }},
    {"relu", Activation::relu, [](double x) { return std::max(x, 0.0); }},
    {"silu", Activation::silu, [](double x) { return x / (1 + std::exp(-x)); }},
    {"tanh", Activation::tanh, [](double x) { return std::tanh(x); }},
};

TEST_P(Kernels, ActivationsFollowTheirFormula) {
  std::vector<float> x;
  for (int step = -4000; step <= 4000; ++step) x.push_back(static_cast<float>(step) * 0.005f);  // [-20, 20]
  for (const float extreme : {1e-30f, -1e-30f, 60.0f, -60.0f, 300.0f, -300.0f}) x.push_back(extreme);
  const std::vector<float> one = {1}, zero = {0};
  for (const ActivationCase& tested : kActivations) {
    const auto y = gemm(x, one, zero, x.size(), 1, 1, tested.activation);
    for (std::size_t at = 0; at < x.size(); ++at) {
      // 4e-7 relative to x: erf and tanh are within 4e-7, and 1 + erf is rounded to 2^-24 of 1 as in torch.
      ASSERT_NEAR(y[at], tested.exact(x[at]), 4e-7 * std::max(1.0, std::abs(static_cast<double>(x[at])))) << tested.name << x[at];
    }
  }
}

// A broken weight must show in the logits, not become a number on the way.
TEST_P(Kernels, NotANumberStaysOne) {
  const std::vector<float> one = {1}, zero = {0}, x = {1.0f, std::numeric_limits<float>::quiet_NaN(), -1.0f};
  for (const ActivationCase& tested : kActivations) {
    const auto y = gemm(x, one, zero, x.size(), 1, 1, tested.activation);
    EXPECT_TRUE(std::isnan(y[1])) << tested.name;
    EXPECT_TRUE(std::isfinite(y[0]) && std::isfinite(y[2])) << tested.name;
  }
}

TEST_P(Kernels, LayerNormHasMeanAndVarianceOfTheRow) {
  for (const std::size_t columns : {1u, 2u, 15u, 16u, 33u, 384u, 1024u}) {
    const auto x = random_floats(columns, 8, 3), residual = random_floats(columns, 9), weight = random_floats(columns, 10);
    const auto bias = random_floats(columns, 11);
    std::vector<float> out(columns);
    table.layer_norm(x.data(), residual.data(), weight.data(), bias.data(), 1e-5f, columns, out.data());
    double mean = 0, variance = 0;
    for (std::size_t at = 0; at < columns; ++at) mean += (static_cast<double>(x[at]) + residual[at]) / static_cast<double>(columns);
    for (std::size_t at = 0; at < columns; ++at) {
      variance += std::pow(static_cast<double>(x[at]) + residual[at] - mean, 2) / static_cast<double>(columns);
    }
    for (std::size_t at = 0; at < columns; ++at) {
      const double expected = (static_cast<double>(x[at]) + residual[at] - mean) / std::sqrt(variance + 1e-5) * weight[at] + bias[at];
      // 2e-6: mean and variance are f32 sums. A row of one column is all cancellation: its residue over √epsilon.
      ASSERT_NEAR(out[at], expected, columns == 1 ? 1e-4 : 4e-6) << columns;
    }
  }
}

TEST_P(Kernels, SoftmaxSumsToOneWhateverTheSpread) {
  for (const std::size_t columns : {1u, 3u, 16u, 17u, 128u, 512u}) {
    for (const float spread : {0.0f, 1.0f, 30.0f, 1000.0f}) {
      auto row = random_floats(columns, 12, spread);
      std::vector<double> expected(columns);
      double sum = 0;
      const double maximum = *std::max_element(row.begin(), row.end());
      for (std::size_t at = 0; at < columns; ++at) sum += expected[at] = std::exp((row[at] - maximum) * 0.125);
      table.softmax(row.data(), columns, 0.125f);
      for (std::size_t at = 0; at < columns; ++at) {
        // Relative 2e-6 from the rounding of the exponent's argument (up to 125), absolute e^-87 where it is cut off.
        ASSERT_NEAR(row[at], expected[at] / sum, expected[at] / sum * 1e-5 + 1e-30) << columns << " " << spread;
      }
    }
  }
}

TEST_P(Kernels, ConversionsFromHalfPrecisionAreExact) {
  std::vector<unsigned short> bits(65536);
  for (std::size_t at = 0; at < bits.size(); ++at) bits[at] = static_cast<unsigned short>(at);
  std::vector<float> f16(bits.size()), bf16(bits.size()), expected(bits.size());
  table.convert_f16(bits.data(), bits.size(), f16.data());
  table.convert_bf16(bits.data(), bits.size(), bf16.data());
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    const TensorView view{"x", dtype, "", {bits.size()}, std::as_bytes(std::span(bits))};
    convert_to_f32(view, 0, expected);
    const auto& actual = dtype == Dtype::f16 ? f16 : bf16;
    for (std::size_t at = 0; at < bits.size(); ++at) {
      if (std::isnan(expected[at])) {
        ASSERT_TRUE(std::isnan(actual[at])) << at;
      } else {
        ASSERT_EQ(actual[at], expected[at]) << at;
      }
    }
  }
}

TEST(KernelChoice, EnvironmentNamesTheTable) {
  for (const KernelTable* table : available_tables()) {
    ::setenv("FILBERT_KERNELS", table->name, 1);
    EXPECT_STREQ(choose_table().name, table->name);
  }
  ::setenv("FILBERT_KERNELS", "fast", 1);
  try {
    choose_table();
    FAIL() << "an unknown name was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("found \"fast\""), std::string::npos) << error.what();
  }
  ::unsetenv("FILBERT_KERNELS");
  EXPECT_STREQ(choose_table().name, available_tables().back()->name);
}

// 1e-5: sums of some hundred products in f32, in another order.
TEST_P(Kernels, DotsAreThoseOfTheChosenParts) {
  for (const auto [parts, part_size] : {std::array{1, 384}, {12, 32}, {12, 64}, {2, 16}, {3, 7}, {4, 100}, {1, 1}}) {
    const auto p = static_cast<std::size_t>(parts), size = static_cast<std::size_t>(part_size), width = p * size;
    constexpr std::size_t kCount = 19;
    const std::vector<float> query = random_floats(width, 5), scales = random_floats(kCount * p, 6), wide = random_floats(kCount * width, 7);
    std::vector<std::byte> narrow(kCount * width);
    std::vector<std::uint16_t> half(kCount * width);
    for (std::size_t at = 0; at < wide.size(); ++at) {
      narrow[at] = static_cast<std::byte>(static_cast<std::int8_t>(std::lround(127 * wide[at])));
      half[at] = static_cast<std::uint16_t>(0x3000 + at % 0xC00);  // from 0.125 up to 1
    }
    for (const std::vector<std::size_t>& chosen : {std::vector<std::size_t>{0}, std::vector<std::size_t>{0, p - 1}}) {
      DotsArgs args{.vectors = narrow.data(), .scales = scales.data(), .count = kCount, .parts = p, .part_size = size, .query = query.data(),
                    .chosen = chosen.data(), .num_chosen = p == 1 ? 1 : chosen.size()};
      std::vector<float> of_int8(kCount), of_f16(kCount);
      args.sums = of_int8.data();
      table.dots_int8(args);
      args.vectors = reinterpret_cast<const std::byte*>(half.data()), args.scales = nullptr, args.sums = of_f16.data();
      table.dots_f16(args);
      for (std::size_t vector = 0; vector < kCount; ++vector) {
        double expected_int8 = 0, expected_f16 = 0;
        for (std::size_t at = 0; at < args.num_chosen; ++at) {
          for (std::size_t i = chosen[at] * size; i < (chosen[at] + 1) * size; ++i) {
            const double number = static_cast<double>(static_cast<std::int8_t>(narrow[vector * width + i]));
            expected_int8 += static_cast<double>(scales[vector * p + chosen[at]]) * query[i] * number;
            float number_f16 = 0;
            scalar_table().convert_f16(&half[vector * width + i], 1, &number_f16);
            expected_f16 += static_cast<double>(query[i]) * number_f16;
          }
        }
        ASSERT_NEAR(of_int8[vector], expected_int8, 127e-5) << table.name << " " << p << "x" << size;
        ASSERT_NEAR(of_f16[vector], expected_f16, 1e-5 * static_cast<double>(width)) << table.name << " " << p << "x" << size;
      }
    }
  }
}

}  // namespace
}  // namespace filbert
