// Sizes and numbers of any kind: every table that this CPU can run agrees with the scalar one, within the bounds that follow
// from f32 and bit for bit where numbers are whole.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernels/product.h"

namespace filbert {
namespace {

// Draws sizes and numbers from the input; when that has come to its end, from its beginning again, mixed.
class Source {
 public:
  Source(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  std::size_t between(std::size_t low, std::size_t high) { return low + (byte() << 8 | byte()) % (high - low + 1); }
  // Of either sign and of any size from 2^-20 to 2^8, or zero.
  float number() {
    const std::uint32_t bits = byte();
    if (bits == 0) return 0;
    const float mantissa = 1 + static_cast<float>(byte()) / 256;
    return std::ldexp(bits & 1 ? mantissa : -mantissa, static_cast<int>(bits >> 1) % 29 - 20);
  }
  std::vector<float> numbers(std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = number();
    return values;
  }

 private:
  std::uint32_t byte() {
    const std::uint32_t round = static_cast<std::uint32_t>(at_ / size_), value = data_[at_ % size_];
    ++at_;
    return (value ^ round * 0x9Du) & 0xFFu;
  }

  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

// Ends the process unless each number of `actual` is that of `expected` within its bound.
template <typename Bound>
void check(const char* what, const KernelTable& table, const std::vector<float>& actual, const std::vector<float>& expected, const Bound& bound) {
  for (std::size_t at = 0; at < expected.size(); ++at) {
    if (std::abs(static_cast<double>(actual[at]) - expected[at]) <= bound(at)) continue;
    std::fprintf(stderr, "%s of %s: number %zu is %.9g, expected %.9g within %.3g\n", what, table.name, at, actual[at], expected[at],
                 bound(at));
    std::abort();
  }
}

Product draw_product(Source& source) {
  Product product({source.between(1, 21), source.between(1, 200), source.between(1, 101)});
  for (auto* part : {&product.a, &product.weight, &product.bias, &product.center, &product.factor, &product.column_scales}) {
    *part = source.numbers(part->size());
  }
  for (std::int8_t& weight : product.weight_int8) weight = static_cast<std::int8_t>(source.between(0, 254) - 127);
  return product;
}

void check_products(Source& source) {
  const auto activation = static_cast<Activation>(source.between(0, 7));
  const Product product = draw_product(source);
  const auto [rows, depth, columns] = product.shape;
  std::vector<double> magnitude(rows * columns);  // of the terms of each sum
  for (std::size_t at = 0; at < magnitude.size(); ++at) {
    magnitude[at] = std::abs(product.bias[at % columns]);
    for (std::size_t k = 0; k < depth; ++k) {
      magnitude[at] += std::abs(static_cast<double>(product.a[at / columns * depth + k]) * product.weight[at % columns * depth + k]);
    }
  }
  // Two sums of depth + 1 terms in another order differ by so many roundings of 2^-24 of their magnitude, twice; no
  // activation is steeper than 1.2, and each is within 4e-7 of its formula, of numbers above 1 relatively.
  const auto of_sum = [&, depth = depth](std::size_t at) {
    return 1.2 * 2 * static_cast<double>(depth + 1) * 0x1p-24 * magnitude[at] + 8e-7 * std::max(1.0, magnitude[at]) + 1e-30;
  };
  const auto run_in_f32 = [&](const KernelTable& table) {
    return run_f32(table, product.shape, product.a, product.weight, product.bias, activation);
  };
  const KernelTable& plain = scalar_table();
  const auto f32 = run_in_f32(plain), bf16 = run(plain.bf16, product, false, activation);
  const auto int8 = run(plain.int8, product, true, Activation::none);
  for (const KernelTable* table : available_tables()) {
    check("f32 product", *table, run_in_f32(*table), f32, of_sum);
    check("bf16 product", *table, run(table->bf16, product, false, activation), bf16, of_sum);
    check("int8 product", *table, run(table->int8, product, true, Activation::none), int8, [](std::size_t) { return 0.0; });
  }
}

void check_rows(Source& source) {
  const std::size_t columns = source.between(1, 700);
  const auto x = source.numbers(columns), residual = source.numbers(columns), weight = source.numbers(columns), bias = source.numbers(columns);
  const float scale = std::ldexp(1.0f, -static_cast<int>(source.between(0, 8)));
  const auto layer_norm = [&](const KernelTable& table) {
    std::vector<float> out(columns);
    table.layer_norm(x.data(), residual.data(), weight.data(), bias.data(), 1e-5f, columns, out.data());
    return out;
  };
  const auto softmax = [&](const KernelTable& table) {
    std::vector<float> row = x;
    table.softmax(row.data(), columns, scale);
    return row;
  };
  double mean = 0, variance = 0, greatest = 0;
  for (std::size_t at = 0; at < columns; ++at) mean += (static_cast<double>(x[at]) + residual[at]) / static_cast<double>(columns);
  for (std::size_t at = 0; at < columns; ++at) {
    const double sum = static_cast<double>(x[at]) + residual[at];
    variance += (sum - mean) * (sum - mean) / static_cast<double>(columns);
    greatest = std::max(greatest, std::abs(sum));
  }
  // The mean is off by at most columns roundings of the greatest number, and so is each difference from it, which is divided
  // by the deviation; the variance is relatively off by as many of the square.
  const double rounding = static_cast<double>(columns + 4) * 0x1p-23, deviation = std::sqrt(variance + 1e-5);
  const double off = rounding * greatest / deviation * (1 + greatest / deviation);
  const auto normed = layer_norm(scalar_table()), weighed = softmax(scalar_table());
  for (const KernelTable* table : available_tables()) {
    check("layer_norm", *table, layer_norm(*table), normed,
          [&](std::size_t at) { return 2 * off * (1 + std::abs(weight[at])) * (1 + greatest / deviation) + 0x1p-22 * (1 + std::abs(bias[at])); });
    check("softmax", *table, softmax(*table), weighed, [&](std::size_t at) { return 1e-4 * weighed[at] + 1e-30; });
  }
}

}  // namespace
}  // namespace filbert

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  filbert::Source source(data + 1, size - 1);
  data[0] % 2 == 0 ? filbert::check_products(source) : filbert::check_rows(source);
  return 0;
}
