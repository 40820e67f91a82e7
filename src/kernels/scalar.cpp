// The kernels as plain loops: the oracle of the vector ones, and what runs where there are none.
#include "kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/backward.h"

namespace filbert {
namespace {

constexpr std::size_t kPanelColumns = 8;

float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu: return x * 0.5f * (1.0f + std::erf(x * 0.70710678f));
    case Activation::gelu_tanh: return 0.5f * x * (1.0f + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
    case Activation::gelu_fast: return 0.5f * x * (1.0f + std::tanh(x * 0.7978845608f * (1.0f + 0.044715f * x * x)));
    case Activation::quick_gelu: return x / (1.0f + std::exp(-1.702f * x));
    case Activation::relu: return std::max(x, 0.0f);
    case Activation::silu: return x / (1.0f + std::exp(-x));
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

void gemm(const GemmArgs& args) {
  for (std::size_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
    const float* b = args.b.data + panel * args.b.depth * kPanelColumns;
    const std::size_t first = panel * kPanelColumns;
    const std::size_t columns = std::min(kPanelColumns, args.b.columns - first);
    for (std::size_t row = 0; row < args.rows; ++row) {
      float sums[kPanelColumns] = {};
      for (std::size_t k = 0; k < args.b.depth; ++k) {
        const float a = args.a[row * args.a_stride + k];
        for (std::size_t column = 0; column < kPanelColumns; ++column) sums[column] += a * b[k * kPanelColumns + column];
      }
      for (std::size_t column = 0; column < columns; ++column) {
        const float bias = args.bias != nullptr ? args.bias[first + column] : 0.0f;
        args.c[row * args.c_stride + first + column] = activate(args.activation, sums[column] + bias);
      }
    }
  }
}

void pack_transposed(const float* from, std::size_t rows, std::size_t depth, std::size_t stride, float* packed) {
  for (std::size_t first = 0; first < rows; first += kPanelColumns, packed += depth * kPanelColumns) {
    for (std::size_t column = 0; column < kPanelColumns; ++column) {
      for (std::size_t k = 0; k < depth; ++k) {
        packed[k * kPanelColumns + column] = first + column < rows ? from[(first + column) * stride + k] : 0.0f;
      }
    }
  }
}

void pack(const float* from, std::size_t depth, std::size_t columns, std::size_t stride, float* packed) {
  for (std::size_t first = 0; first < columns; first += kPanelColumns, packed += depth * kPanelColumns) {
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t column = 0; column < kPanelColumns; ++column) {
        packed[k * kPanelColumns + column] = first + column < columns ? from[k * stride + first + column] : 0.0f;
      }
    }
  }
}

void layer_norm(const float* x, const float* residual, const float* weight, const float* bias, float epsilon,
                std::size_t columns, float* out) {
  float sum = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    out[column] = x[column] + (residual != nullptr ? residual[column] : 0.0f);
    sum += out[column];
  }
  const float mean = sum / static_cast<float>(columns);
  float squares = 0;
  for (std::size_t column = 0; column < columns; ++column) squares += (out[column] - mean) * (out[column] - mean);
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(columns) + epsilon);
  for (std::size_t column = 0; column < columns; ++column) {
    out[column] = (out[column] - mean) * scale * weight[column] + bias[column];
  }
}

void softmax(float* row, std::size_t columns, float scale) {
  const float maximum = *std::max_element(row, row + columns);
  float sum = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    row[column] = std::exp((row[column] - maximum) * scale);
    sum += row[column];
  }
  for (std::size_t column = 0; column < columns; ++column) row[column] /= sum;
}

void add(const float* x, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) out[at] += x[at];
}

void activate_all(Activation activation, const float* x, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) out[at] = activate(activation, x[at]);
}

void convert_f16(const unsigned short* from, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint32_t sign = (from[at] & 0x8000u) << 16, exponent = from[at] >> 10 & 0x1Fu, mantissa = from[at] & 0x3FFu;
    if (exponent == 0) {  // zero or subnormal
      const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
      out[at] = sign != 0 ? -magnitude : magnitude;
    } else {
      const std::uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + 112;
      out[at] = std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
    }
  }
}

void convert_bf16(const unsigned short* from, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) out[at] = std::bit_cast<float>(static_cast<std::uint32_t>(from[at]) << 16);
}

void prepare_bf16(const float* x, const float*, const float*, std::size_t depth, std::byte* prepared, RowScale*) {
  const std::size_t padded = depth + depth % 2;
  for (std::size_t k = 0; k < padded; ++k) {
    const std::uint16_t bits = k < depth ? round_to_bf16(x[k]) : std::uint16_t{0};
    std::memcpy(prepared + k * sizeof bits, &bits, sizeof bits);
  }
}

void prepare_int8(const float* x, const float* center, const float* factor, std::size_t depth, std::byte* prepared,
                  RowScale* row_scale) {
  float least = 0, most = 0;
  for (std::size_t k = 0; k < depth; ++k) {
    const float value = (x[k] - center[k]) * factor[k];
    least = std::min(least, value);
    most = std::max(most, value);
  }
  const float range = most - least, inverse = range > 0 ? 255.0f / range : 0.0f;
  *row_scale = {range / 255.0f, static_cast<std::int32_t>(std::nearbyint(-least * inverse))};
  for (std::size_t k = 0; k < (depth + 3) / 4 * 4; ++k) {
    const long q = k < depth ? std::lrint((x[k] - center[k]) * factor[k] * inverse) + row_scale->zero_point : 0;
    prepared[k] = static_cast<std::byte>(std::clamp(q, 0L, 255L));
  }
}

float bf16_at(const std::byte* numbers, std::size_t at) {
  std::uint16_t bits;
  std::memcpy(&bits, numbers + at * sizeof bits, sizeof bits);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

void gemm_bf16(const NarrowGemmArgs& args) {
  for (std::size_t column = args.panel_begin * kPanelColumns; column < std::min(args.columns, args.panel_end * kPanelColumns); ++column) {
    const std::byte* panel = args.b + column / kPanelColumns * args.depth * kPanelColumns * 2;
    for (std::size_t row = 0; row < args.rows; ++row) {
      float sum = 0;
      for (std::size_t k = 0; k < args.depth; ++k) {
        const std::size_t lane = k / 2 * kPanelColumns + column % kPanelColumns;
        sum = std::fma(bf16_at(args.a + row * args.a_stride, k), bf16_at(panel, lane * 2 + k % 2), sum);
      }
      args.c[row * args.c_stride + column] = activate(args.activation, sum + args.bias[column]);
    }
  }
}

void gemm_int8(const NarrowGemmArgs& args) {
  for (std::size_t column = args.panel_begin * kPanelColumns; column < std::min(args.columns, args.panel_end * kPanelColumns); ++column) {
    const std::byte* panel = args.b + column / kPanelColumns * args.depth * kPanelColumns;
    for (std::size_t row = 0; row < args.rows; ++row) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < args.depth; ++k) {
        const std::size_t lane = k / 4 * kPanelColumns + column % kPanelColumns;
        sum += std::to_integer<std::int32_t>(args.a[row * args.a_stride + k]) * static_cast<std::int8_t>(panel[lane * 4 + k % 4]);
      }
      const RowScale& scale = args.row_scales[row];
      const auto exact = static_cast<float>(sum - scale.zero_point * args.column_sums[column]);
      const float value = std::fma(exact, scale.scale * args.column_scales[column], args.bias[column]);
      args.c[row * args.c_stride + column] = activate(args.activation, value);
    }
  }
}

template <typename NumberAt>
void dots(const DotsArgs& args, const NumberAt& number_at) {
  for (std::size_t vector = 0; vector < args.count; ++vector) {
    float sum = 0;
    for (std::size_t at = 0; at < args.num_chosen; ++at) {
      const std::size_t part = args.chosen[at], first = part * args.part_size;
      float of_part = 0;
      for (std::size_t i = first; i < first + args.part_size; ++i) {
        of_part += args.query[i] * number_at(vector * args.parts * args.part_size + i);
      }
      sum += args.scales ? of_part * args.scales[vector * args.parts + part] : of_part;
    }
    args.sums[vector] = sum;
  }
}

void dots_int8(const DotsArgs& args) {
  dots(args, [&](std::size_t at) { return static_cast<float>(static_cast<std::int8_t>(args.vectors[at])); });
}

void dots_f16(const DotsArgs& args) {
  dots(args, [&](std::size_t at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, args.vectors + 2 * at, sizeof bits);
    float number = 0;
    convert_f16(&bits, 1, &number);
    return number;
  });
}

constexpr KernelTable kTable = {
    .name = "scalar",
    .panel_columns = kPanelColumns,
    .gemm = gemm,
    .pack_transposed = pack_transposed,
    .pack = pack,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .add = add,
    .activate = activate_all,
    .activate_backward = plain::activate_backward<float>,
    .layer_norm_backward = plain::layer_norm_backward<float>,
    .softmax_backward = plain::softmax_backward<float>,
    .convert_f16 = convert_f16,
    .convert_bf16 = convert_bf16,
    .dots_int8 = dots_int8,
    .dots_f16 = dots_f16,
    .bf16 = {kPanelColumns, 2, 2, 2, prepare_bf16, gemm_bf16},
    .int8 = {kPanelColumns, 4, 1, 1, prepare_int8, gemm_int8},
    .native_bf16 = false,
    .native_int8 = false,
};

}  // namespace

const KernelTable& scalar_table() { return kTable; }

}  // namespace filbert
