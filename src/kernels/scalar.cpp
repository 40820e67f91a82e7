// The kernels as plain loops: the oracle of the vector ones, and what runs where there are none.
#include "kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

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

constexpr KernelTable kTable = {"scalar", kPanelColumns, gemm, pack_transposed, pack, layer_norm, softmax,
                                add,      convert_f16,   convert_bf16};

}  // namespace

const KernelTable& scalar_table() { return kTable; }

}  // namespace filbert
