#include "infer/linear.h"

#include <algorithm>
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

Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights,
                   std::initializer_list<std::string> names) {
  Linear linear;
  std::vector<const TensorView*> parts;
  for (const std::string& name : names) {
    const TensorView& weight = weights.at(name + ".weight");
    parts.push_back(&weight);
    linear.in = weight.shape[1];
    const std::vector<float> bias = read_f32(kernels, weights.at(name + ".bias"));
    linear.bias.insert(linear.bias.end(), bias.begin(), bias.end());
  }
  linear.out = linear.bias.size();
  linear.packed.reserve(packed_size(kernels, linear.in, linear.out));

  // A panel at a time: its rows of the weight as f32, then transposed into place.
  std::vector<AlignedFloats> scratch(loop.threads());
  const std::size_t rows_of_part = parts.front()->shape[0];
  loop(num_panels(kernels, linear.out), [&](std::size_t panel, unsigned thread) {
    const std::size_t first = panel * kernels.panel_columns;
    const std::size_t rows = std::min(kernels.panel_columns, linear.out - first);
    scratch[thread].reserve(kernels.panel_columns * linear.in);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t part = (first + row) / rows_of_part, row_of_part = (first + row) % rows_of_part;
      read_f32(kernels, *parts[part], row_of_part * linear.in, {scratch[thread].data() + row * linear.in, linear.in});
    }
    kernels.pack_transposed(scratch[thread].data(), rows, linear.in, linear.in, linear.packed.data() + first * linear.in);
  });
  return linear;
}

void apply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const float* x,
           std::size_t x_stride, std::size_t rows, float* y) {
  // Blocks of rows that stay in the second cache beside a panel; with several threads, groups of panels as well, so that
  // a single short text keeps them all busy.
  constexpr std::size_t kBlockFloats = 96 * 1024;
  constexpr std::size_t kRowsOfTile = 8;
  const std::size_t row_block = std::clamp(kBlockFloats / linear.in / kRowsOfTile * kRowsOfTile, std::size_t{16}, std::size_t{256});
  const std::size_t row_blocks = (rows + row_block - 1) / row_block;
  const std::size_t panels = num_panels(kernels, linear.out);
  const std::size_t groups = loop.threads() == 1 ? 1 : std::min(panels, std::size_t{4} * loop.threads());
  loop(row_blocks * groups, [&](std::size_t task, unsigned) {
    const std::size_t row = task / groups * row_block, group = task % groups;
    kernels.gemm({.a = x + row * x_stride,
                  .a_stride = x_stride,
                  .rows = std::min(row_block, rows - row),
                  .b = linear.view(),
                  .panel_begin = panels * group / groups,
                  .panel_end = panels * (group + 1) / groups,
                  .bias = linear.bias.data(),
                  .activation = activation,
                  .c = y + row * linear.out,
                  .c_stride = linear.out});
  });
}

}  // namespace filbert
