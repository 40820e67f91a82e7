// How narrow weights lie in a panel, for any table: step after step of depth, in each the columns side by side.
#include "kernels/kernels.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace filbert {
namespace {

// number(row, k) in its place; zeros where there is no row or no k.
template <typename Number, typename Value>
void pack_panel(const NarrowKernels& kernels, std::size_t rows, std::size_t depth, std::byte* panel, const Value& number) {
  const std::size_t step = kernels.depth_step;
  std::memset(panel, 0, panel_bytes(kernels, depth));
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t k = 0; k < depth; ++k) {
      const std::size_t place = (k / step * kernels.panel_columns + row) * step + k % step;
      const Number value = number(row, k);
      std::memcpy(panel + place * sizeof(Number), &value, sizeof(Number));
    }
  }
}

}  // namespace

std::size_t num_panels(const NarrowKernels& kernels, std::size_t columns) {
  return (columns + kernels.panel_columns - 1) / kernels.panel_columns;
}

std::size_t padded_depth(const NarrowKernels& kernels, std::size_t depth) {
  return (depth + kernels.depth_step - 1) / kernels.depth_step * kernels.depth_step;
}

std::size_t panel_bytes(const NarrowKernels& kernels, std::size_t depth) {
  return padded_depth(kernels, depth) * kernels.panel_columns * kernels.number_bytes;
}

std::uint16_t round_to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

void pack_panel_bf16(const NarrowKernels& kernels, const float* weight, std::size_t rows, std::size_t depth, std::byte* panel) {
  pack_panel<std::uint16_t>(kernels, rows, depth, panel,
                            [&](std::size_t row, std::size_t k) { return round_to_bf16(weight[row * depth + k]); });
}

void pack_panel_int8(const NarrowKernels& kernels, const std::int8_t* weight, std::size_t rows, std::size_t depth, std::byte* panel) {
  pack_panel<std::int8_t>(kernels, rows, depth, panel, [&](std::size_t row, std::size_t k) { return weight[row * depth + k]; });
}

}  // namespace filbert
