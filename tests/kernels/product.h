// Products with all they take, for the tests of the kernels.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/kernels.h"

namespace filbert {

struct Shape {
  std::size_t rows, depth, columns;
};

// A product with everything it takes. The weight is [columns, depth]; for int8 in whole numbers.
struct Product {
  Shape shape;
  std::vector<float> a, weight, bias, center, factor, column_scales;
  std::vector<std::int8_t> weight_int8;

  explicit Product(Shape shape_, unsigned seed = 1) : shape(shape_) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const auto floats = [&](std::size_t count) {
      std::vector<float> values(count);
      for (float& value : values) value = uniform(random);
      return values;
    };
    a = floats(shape.rows * shape.depth);
    weight = floats(shape.columns * shape.depth);
    bias = floats(shape.columns);
    center = floats(shape.depth);
    factor = floats(shape.depth);
    column_scales = floats(shape.columns);
    for (const float value : weight) weight_int8.push_back(static_cast<std::int8_t>(std::lrint(value * 127)));
  }
};

struct Prepared {
  std::size_t stride;
  std::vector<std::byte> rows;
  std::vector<RowScale> scales;

  Prepared(const NarrowKernels& kernels, const Product& product)
      : stride(padded_depth(kernels, product.shape.depth) * kernels.prepared_bytes),
        rows(product.shape.rows * stride, std::byte{0xAA}), scales(product.shape.rows) {
    for (std::size_t row = 0; row < product.shape.rows; ++row) {
      kernels.prepare(product.a.data() + row * product.shape.depth, product.center.data(), product.factor.data(), product.shape.depth,
                      rows.data() + row * stride, &scales[row]);
    }
  }

  int int8_at(const NarrowKernels& kernels, std::size_t row, std::size_t k) const {
    if (kernels.prepared_bytes == 1) return std::to_integer<int>(rows[row * stride + k]);
    std::int16_t value;
    std::memcpy(&value, rows.data() + row * stride + k * sizeof value, sizeof value);
    return value;
  }
};

inline std::vector<float> run(const NarrowKernels& kernels, const Product& product, bool int8, Activation activation = Activation::none) {
  const auto [rows, depth, columns] = product.shape;
  const Prepared prepared(kernels, product);
  std::vector<std::byte> packed(num_panels(kernels, columns) * panel_bytes(kernels, depth));
  std::vector<std::int32_t> column_sums(columns);
  for (std::size_t first = 0; first < columns; first += kernels.panel_columns) {
    const std::size_t count = std::min(kernels.panel_columns, columns - first);
    std::byte* panel = packed.data() + first / kernels.panel_columns * panel_bytes(kernels, depth);
    if (int8) {
      pack_panel_int8(kernels, product.weight_int8.data() + first * depth, count, depth, panel);
    } else {
      pack_panel_bf16(kernels, product.weight.data() + first * depth, count, depth, panel);
    }
  }
  for (std::size_t at = 0; at < columns * depth; ++at) column_sums[at / depth] += product.weight_int8[at];
  std::vector<float> c(rows * columns, std::nanf(""));  // every element must be written
  kernels.gemm({.a = prepared.rows.data(), .a_stride = prepared.stride, .row_scales = prepared.scales.data(), .rows = rows,
                .b = packed.data(), .depth = padded_depth(kernels, depth), .columns = columns,
                .column_scales = product.column_scales.data(), .column_sums = column_sums.data(),
                .panel_end = num_panels(kernels, columns), .bias = product.bias.data(), .activation = activation, .c = c.data(),
                .c_stride = columns});
  return c;
}

// The f32 product: a [rows, depth] and a weight [columns, depth], through pack_transposed and gemm.
inline std::vector<float> run_f32(const KernelTable& table, Shape shape, const std::vector<float>& a, const std::vector<float>& weight,
                                  const std::vector<float>& bias, Activation activation) {
  const auto [rows, depth, columns] = shape;
  std::vector<float> packed(packed_size(table, depth, columns));
  table.pack_transposed(weight.data(), columns, depth, depth, packed.data());
  std::vector<float> c(rows * columns, std::nanf(""));  // every element must be written
  table.gemm({.a = a.data(), .a_stride = depth, .rows = rows, .b = {packed.data(), depth, columns},
              .panel_end = num_panels(table, columns), .bias = bias.data(), .activation = activation, .c = c.data(),
              .c_stride = columns});
  return c;
}

inline double bf16(float x) { return std::bit_cast<float>(static_cast<std::uint32_t>(round_to_bf16(x)) << 16); }

}  // namespace filbert
