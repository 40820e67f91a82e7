#include "infer/linear.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace filbert {

void read_f32(const KernelTable& kernels, const TensorView& tensor, std::size_t first_element, std::span<float> out) {
  const std::byte* from = tensor.data.data() + first_element * sizeof(std::uint16_t);
  const bool aligned = reinterpret_cast<std::uintptr_t>(from) % alignof(std::uint16_t) == 0;
  if (tensor.dtype == Dtype::f32 || !aligned) return convert_to_f32(tensor, first_element, out);
  const auto convert = tensor.dtype == Dtype::f16 ? kernels.convert_f16 : kernels.convert_bf16;
  convert(reinterpret_cast<const unsigned short*>(from), out.size(), out.data());
}

std::vector<float> read_f32(const KernelTable& kernels, const TensorView& tensor) {
  std::vector<float> values(tensor.num_elements());
  read_f32(kernels, tensor, 0, values);
  return values;
}

Smoothing smooth(const KernelTable& kernels, const Weights& weights, std::span<const std::string> names, const LayerNorm& norm) {
  constexpr float kLeast = 1e-5f;  // a channel that is never used, or of weight zero
  std::vector<float> greatest(norm.bias.size(), kLeast), row(norm.bias.size());
  for (const std::string& name : names) {
    const TensorView& weight = weights.at(name + ".weight");
    for (std::size_t first = 0; first < weight.num_elements(); first += row.size()) {
      read_f32(kernels, weight, first, row);
      for (std::size_t k = 0; k < row.size(); ++k) greatest[k] = std::max(greatest[k], std::abs(row[k]));
    }
  }
  Smoothing smoothing{norm.bias, greatest};
  for (std::size_t k = 0; k < row.size(); ++k) {
    smoothing.factor[k] = std::sqrt(greatest[k] / std::max(std::abs(norm.weight[k]), kLeast));
  }
  return smoothing;
}

namespace {

// One column's weights, its bias and its place, as the kernels want them. `row` is overwritten.
void quantize(std::span<float> row, Linear& linear, std::size_t column, std::int8_t* to) {
  const auto& [center, factor] = linear.smoothing;
  double bias = linear.bias[column];
  float greatest = 0;
  for (std::size_t k = 0; k < row.size(); ++k) {
    bias += static_cast<double>(row[k]) * center[k];
    row[k] /= factor[k];
    greatest = std::max(greatest, std::abs(row[k]));
  }
  linear.bias[column] = static_cast<float>(bias);
  const float inverse = greatest > 0 ? 127.0f / greatest : 0.0f;
  linear.column_scales[column] = greatest / 127.0f;
  linear.column_sums[column] = 0;
  for (std::size_t k = 0; k < row.size(); ++k) {
    to[k] = static_cast<std::int8_t>(std::clamp(std::lrint(row[k] * inverse), -127L, 127L));
    linear.column_sums[column] += to[k];
  }
}

const NarrowKernels& narrow_of(const KernelTable& kernels, ComputeDtype dtype) {
  return dtype == ComputeDtype::bf16 ? kernels.bf16 : kernels.int8;
}

std::size_t panel_columns(const KernelTable& kernels, ComputeDtype dtype) {
  return dtype == ComputeDtype::f32 ? kernels.panel_columns : narrow_of(kernels, dtype).panel_columns;
}

// `rows` [count, in] of the weight, which are columns of the product, from column `first` on.
void pack_panel(const KernelTable& kernels, std::span<float> rows, std::size_t first, std::span<std::int8_t> scratch, Linear& linear) {
  const std::size_t count = rows.size() / linear.in;
  if (linear.dtype == ComputeDtype::f32) {
    return kernels.pack_transposed(rows.data(), count, linear.in, linear.in, linear.packed.data() + first * linear.in);
  }
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  std::byte* panel = linear.narrow.data() + first / narrow.panel_columns * panel_bytes(narrow, linear.in);
  if (linear.dtype == ComputeDtype::bf16) return pack_panel_bf16(narrow, rows.data(), count, linear.in, panel);
  for (std::size_t row = 0; row < count; ++row) {
    quantize(rows.subspan(row * linear.in, linear.in), linear, first + row, scratch.data() + row * linear.in);
  }
  pack_panel_int8(narrow, scratch.data(), count, linear.in, panel);
}

void reserve(const KernelTable& kernels, Linear& linear, const Smoothing* smoothing) {
  if (linear.dtype == ComputeDtype::f32) return linear.packed.reserve(packed_size(kernels, linear.in, linear.out));
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  linear.narrow.reserve(num_panels(narrow, linear.out) * panel_bytes(narrow, linear.in));
  if (linear.dtype == ComputeDtype::bf16) return;
  linear.column_scales.resize(linear.out);
  linear.column_sums.resize(linear.out);
  const std::vector<float> zeros(linear.in, 0.0f), ones(linear.in, 1.0f);
  linear.smoothing = smoothing != nullptr ? *smoothing : Smoothing{zeros, ones};
}

}  // namespace

Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights, std::span<const std::string> names,
                   ComputeDtype dtype, const Smoothing* smoothing) {
  Linear linear;
  linear.dtype = dtype;
  std::vector<const TensorView*> parts;
  for (const std::string& name : names) {
    const TensorView& weight = weights.at(name + ".weight");
    parts.push_back(&weight);
    linear.in = weight.shape[1];
    const std::vector<float> bias = read_f32(kernels, weights.at(name + ".bias"));
    linear.bias.insert(linear.bias.end(), bias.begin(), bias.end());
  }
  linear.out = linear.bias.size();
  reserve(kernels, linear, smoothing);

  // A panel at a time: its rows of the weight as f32, then into place.
  const std::size_t width = panel_columns(kernels, dtype);
  std::vector<AlignedFloats> scratch(loop.threads());
  std::vector<AlignedBuffer<std::int8_t>> scratch_int8(loop.threads());
  const std::size_t rows_of_part = parts.front()->shape[0];
  loop((linear.out + width - 1) / width, [&](std::size_t panel, unsigned thread) {
    const std::size_t first = panel * width, rows = std::min(width, linear.out - first);
    scratch[thread].reserve(width * linear.in);
    scratch_int8[thread].reserve(width * linear.in);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t part = (first + row) / rows_of_part, row_of_part = (first + row) % rows_of_part;
      read_f32(kernels, *parts[part], row_of_part * linear.in, {scratch[thread].data() + row * linear.in, linear.in});
    }
    pack_panel(kernels, {scratch[thread].data(), rows * linear.in}, first, {scratch_int8[thread].data(), rows * linear.in}, linear);
  });
  return linear;
}

void prepare(const KernelTable& kernels, const Loop& loop, const Linear& linear, const Rows& x, PreparedRows& prepared) {
  if (linear.dtype == ComputeDtype::f32) return;
  constexpr std::size_t kRowsOfTask = 8;
  const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
  prepared.stride = padded_depth(narrow, linear.in) * narrow.prepared_bytes;
  prepared.numbers.reserve(x.rows * prepared.stride);
  prepared.scales.reserve(x.rows);
  loop((x.rows + kRowsOfTask - 1) / kRowsOfTask, [&](std::size_t task, unsigned) {
    for (std::size_t row = task * kRowsOfTask; row < std::min(x.rows, (task + 1) * kRowsOfTask); ++row) {
      narrow.prepare(x.x + row * x.stride, linear.smoothing.center.data(), linear.smoothing.factor.data(), linear.in,
                     prepared.numbers.data() + row * prepared.stride, prepared.scales.data() + row);
    }
  });
}

void multiply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
              const PreparedRows& prepared, float* y) {
  // Blocks of rows that stay in the second cache beside a panel; with several threads, groups of panels as well, so that
  // a single short text keeps them all busy.
  constexpr std::size_t kBlockFloats = 96 * 1024;
  constexpr std::size_t kRowsOfTile = 8;
  const std::size_t row_block = std::clamp(kBlockFloats / linear.in / kRowsOfTile * kRowsOfTile, std::size_t{16}, std::size_t{256});
  const std::size_t row_blocks = (x.rows + row_block - 1) / row_block;
  const std::size_t width = panel_columns(kernels, linear.dtype), panels = (linear.out + width - 1) / width;
  const std::size_t groups = loop.threads() == 1 ? 1 : std::min(panels, std::size_t{4} * loop.threads());
  loop(row_blocks * groups, [&](std::size_t task, unsigned) {
    const std::size_t row = task / groups * row_block, group = task % groups, rows = std::min(row_block, x.rows - row);
    const std::size_t panel_begin = panels * group / groups, panel_end = panels * (group + 1) / groups;
    if (linear.dtype == ComputeDtype::f32) {
      return kernels.gemm({.a = x.x + row * x.stride, .a_stride = x.stride, .rows = rows,
                           .b = {linear.packed.data(), linear.in, linear.out}, .panel_begin = panel_begin, .panel_end = panel_end,
                           .bias = linear.bias.data(), .activation = activation, .c = y + row * linear.out, .c_stride = linear.out});
    }
    const NarrowKernels& narrow = narrow_of(kernels, linear.dtype);
    narrow.gemm({.a = prepared.numbers.data() + row * prepared.stride, .a_stride = prepared.stride,
                 .row_scales = prepared.scales.data() + row, .rows = rows, .b = linear.narrow.data(),
                 .depth = padded_depth(narrow, linear.in), .columns = linear.out, .column_scales = linear.column_scales.data(),
                 .column_sums = linear.column_sums.data(), .panel_begin = panel_begin, .panel_end = panel_end,
                 .bias = linear.bias.data(), .activation = activation, .c = y + row * linear.out, .c_stride = linear.out});
  });
}

void apply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
           PreparedRows& prepared, float* y) {
  prepare(kernels, loop, linear, x, prepared);
  multiply(kernels, loop, linear, activation, x, prepared, y);
}

}  // namespace filbert
