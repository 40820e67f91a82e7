// The kernels over Highway: this file is compiled once for each instruction set, each in a namespace of its own, so that
// no function with the wrong instructions can leak into the rest.
#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

// f32 needs AVX2 and AVX-512 and gains nothing from what lies between or beyond: fewer targets, a shorter build. Bits 4
// and 6 are AVX3_SPR and AVX3_ZEN4, which Highway 1.0.3 has no names for.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | (1LL << 4) | (1LL << 6))
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vector.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace filbert {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
const D d;

// 32 registers hold 8 x 3 sums, 3 of B and one of A; 16 hold 4 x 3. Fewer, wider rows would do for large batches, but
// most requests are of 8 to 32 rows.
constexpr std::size_t kPanelVectors = 3;
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr std::size_t kTileRows = 8;
#else
constexpr std::size_t kTileRows = 4;
#endif

HWY_INLINE std::size_t lanes() { return hn::Lanes(d); }
HWY_INLINE std::size_t panel_columns() { return kPanelVectors * lanes(); }

// The first `count` lanes of memory, zeros behind them.
HWY_INLINE V load_first(const float* from, std::size_t count) {
  return count >= lanes() ? hn::LoadU(d, from) : hn::MaskedLoad(hn::FirstN(d, count), d, from);
}
HWY_INLINE void store_first(V v, float* to, std::size_t count) {
  if (count >= lanes()) {
    hn::StoreU(v, d, to);
  } else {
    hn::BlendedStore(v, hn::FirstN(d, count), d, to);
  }
}

// e^x within 1.1 ulp for x in [-87, 88]; below that e^-87, which no sum of ours can tell from 0.
HWY_INLINE V exp(V x) {
  x = hn::Min(hn::Max(x, hn::Set(d, -87.0f)), hn::Set(d, 88.0f));
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // ln 2 in two parts, so that the remainder is exact.
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  // Taylor's series to r^7: the remainder is below 2^-27 for |r| <= ln 2 / 2.
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(d, exponent));
}

// erf(x) within 4e-7 of its value: x times a rational function of x², fitted by tools/fit_erf.py; ±1 beyond 3.92,
// where f32 has nothing nearer.
HWY_INLINE V erf(V x) {
  const V t = hn::Mul(x, x);
  V p = hn::Set(d, 1.986927145480877e-06f);
  p = hn::MulAdd(p, t, hn::Set(d, 0.000284547102637589f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.003882499411702156f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.053099099546670914f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.1935253143310547f));
  p = hn::MulAdd(p, t, hn::Set(d, 1.1283791065216064f));
  V q = hn::Set(d, 3.742071567103267e-05f);
  q = hn::MulAdd(q, t, hn::Set(d, 0.0011853676987811923f));
  q = hn::MulAdd(q, t, hn::Set(d, 0.015205544419586658f));
  q = hn::MulAdd(q, t, hn::Set(d, 0.11534180492162704f));
  q = hn::MulAdd(q, t, hn::Set(d, 0.5048398971557617f));
  q = hn::MulAdd(q, t, hn::Set(d, 1.0f));
  const V one = hn::CopySignToAbs(hn::Set(d, 1.0f), x);
  return hn::IfThenElse(hn::Gt(hn::Abs(x), hn::Set(d, 3.92f)), one, hn::Div(hn::Mul(x, p), q));
}

HWY_INLINE V sigmoid(V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp(hn::Neg(x))));
}

// 1 − 2 / (e^2x + 1): within 2e-7 of its value, absolutely.
HWY_INLINE V tanh(V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(exp(hn::Add(x, x)), one)));
}

HWY_INLINE V activate(Activation activation, V x) {
  const V half = hn::Set(d, 0.5f), one = hn::Set(d, 1.0f), cubic = hn::Set(d, 0.044715f);
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu: return hn::Mul(hn::Mul(x, half), hn::Add(one, erf(hn::Mul(x, hn::Set(d, 0.70710678f)))));
    case Activation::gelu_tanh: {
      const V inner = hn::MulAdd(hn::Mul(cubic, hn::Mul(x, x)), x, x);
      return hn::Mul(hn::Mul(half, x), hn::Add(one, tanh(hn::Mul(hn::Set(d, 0.79788456f), inner))));
    }
    case Activation::gelu_fast: {
      const V inner = hn::MulAdd(hn::Mul(cubic, x), x, one);
      return hn::Mul(hn::Mul(half, x), hn::Add(one, tanh(hn::Mul(hn::Mul(x, hn::Set(d, 0.7978845608f)), inner))));
    }
    case Activation::quick_gelu: return hn::Mul(x, sigmoid(hn::Mul(x, hn::Set(d, 1.702f))));
    case Activation::relu: return hn::Max(x, hn::Zero(d));
    case Activation::silu: return hn::Mul(x, sigmoid(x));
    case Activation::tanh: return tanh(x);
  }
  return x;
}

// In place over a row of a tile that was just stored: the values are still in the first cache.
HWY_NOINLINE void activate_row(Activation activation, float* row, std::size_t columns) {
  for (std::size_t at = 0; at < columns; at += lanes()) {
    store_first(activate(activation, load_first(row + at, columns - at)), row + at, columns - at);
  }
}

// kRows rows of a against `kVectors` vectors of one panel. Each sum runs over depth in order, by fused multiply-add,
// whatever kRows and kVectors are.
template <std::size_t kRows, std::size_t kVectors>
HWY_NOINLINE void gemm_tile(const GemmArgs& args, const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                            std::size_t first_column, float* HWY_RESTRICT c) {
  V sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) sums[row][v] = hn::Zero(d);
  }
  for (std::size_t k = 0; k < args.b.depth; ++k, b += panel_columns()) {
    V columns[kVectors];
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) columns[v] = hn::LoadU(d, b + v * lanes());
#pragma GCC unroll 8
    for (std::size_t row = 0; row < kRows; ++row) {
      const V broadcast = hn::Set(d, a[row * args.a_stride + k]);
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kVectors; ++v) sums[row][v] = hn::MulAdd(broadcast, columns[v], sums[row][v]);
    }
  }
  const std::size_t columns_left = args.b.columns - first_column;
#pragma GCC unroll 3
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t at = v * lanes();
    const V bias = args.bias != nullptr ? load_first(args.bias + first_column + at, columns_left - at) : hn::Zero(d);
#pragma GCC unroll 8
    for (std::size_t row = 0; row < kRows; ++row) {
      store_first(hn::Add(sums[row][v], bias), c + row * args.c_stride + at, columns_left - at);
    }
  }
  if (args.activation == Activation::none) return;
  const std::size_t columns = std::min(columns_left, kVectors * lanes());
  for (std::size_t row = 0; row < kRows; ++row) activate_row(args.activation, c + row * args.c_stride, columns);
}

using Tile = void (*)(const GemmArgs&, const float*, const float*, std::size_t, float*);

// kTiles[rows − 1][vectors − 1]
#define FILBERT_TILES(rows) {gemm_tile<rows, 1>, gemm_tile<rows, 2>, gemm_tile<rows, 3>}
constexpr Tile kTiles[kTileRows][kPanelVectors] = {
    FILBERT_TILES(1), FILBERT_TILES(2), FILBERT_TILES(3), FILBERT_TILES(4),
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
    FILBERT_TILES(5), FILBERT_TILES(6), FILBERT_TILES(7), FILBERT_TILES(8),
#endif
};
#undef FILBERT_TILES

void gemm(const GemmArgs& args) {
  for (std::size_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
    const float* b = args.b.data + panel * args.b.depth * panel_columns();
    const std::size_t first_column = panel * panel_columns();
    const std::size_t columns = std::min(panel_columns(), args.b.columns - first_column);
    const std::size_t vectors = (columns + lanes() - 1) / lanes();
    for (std::size_t row = 0; row < args.rows; row += kTileRows) {
      const std::size_t rows = std::min(kTileRows, args.rows - row);
      kTiles[rows - 1][vectors - 1](args, args.a + row * args.a_stride, b, first_column,
                                    args.c + row * args.c_stride + first_column);
    }
  }
}

void pack_transposed(const float* from, std::size_t rows, std::size_t depth, std::size_t stride, float* packed) {
  const std::size_t width = panel_columns();
  constexpr std::size_t kBlock = 16;  // a cache line of each row at a time
  for (std::size_t first = 0; first < rows; first += width, packed += depth * width) {
    const std::size_t columns = std::min(width, rows - first);
    for (std::size_t block = 0; block < depth; block += kBlock) {
      const std::size_t end = std::min(depth, block + kBlock);
      for (std::size_t column = 0; column < columns; ++column) {
        const float* row = from + (first + column) * stride;
        for (std::size_t k = block; k < end; ++k) packed[k * width + column] = row[k];
      }
      for (std::size_t k = block; k < end; ++k) std::fill(packed + k * width + columns, packed + (k + 1) * width, 0.0f);
    }
  }
}

void pack(const float* from, std::size_t depth, std::size_t columns, std::size_t stride, float* packed) {
  const std::size_t width = panel_columns();
  for (std::size_t first = 0; first < columns; first += width, packed += depth * width) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float* row = from + k * stride + first;
      for (std::size_t at = 0; at < width; at += lanes()) {
        const V v = first + at < columns ? load_first(row + at, columns - first - at) : hn::Zero(d);
        hn::StoreU(v, d, packed + k * width + at);
      }
    }
  }
}

void layer_norm(const float* x, const float* residual, const float* weight, const float* bias, float epsilon,
                std::size_t columns, float* out) {
  V sums = hn::Zero(d);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    V v = load_first(x + at, columns - at);
    if (residual != nullptr) v = hn::Add(v, load_first(residual + at, columns - at));
    store_first(v, out + at, columns - at);
    sums = hn::Add(sums, v);
  }
  const float mean = hn::GetLane(hn::SumOfLanes(d, sums)) / static_cast<float>(columns);
  V squares = hn::Zero(d);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    V centered = hn::Sub(load_first(out + at, columns - at), hn::Set(d, mean));
    if (columns - at < lanes()) centered = hn::IfThenElseZero(hn::FirstN(d, columns - at), centered);
    squares = hn::MulAdd(centered, centered, squares);
  }
  const float variance = hn::GetLane(hn::SumOfLanes(d, squares)) / static_cast<float>(columns);
  const V scale = hn::Set(d, 1.0f / std::sqrt(variance + epsilon));
  for (std::size_t at = 0; at < columns; at += lanes()) {
    const std::size_t left = columns - at;
    const V normalized = hn::Mul(hn::Sub(load_first(out + at, left), hn::Set(d, mean)), scale);
    store_first(hn::MulAdd(normalized, load_first(weight + at, left), load_first(bias + at, left)), out + at, left);
  }
}

void softmax(float* row, std::size_t columns, float scale) {
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  V maxima = lowest;
  for (std::size_t at = 0; at < columns; at += lanes()) {
    const V v = load_first(row + at, columns - at);
    maxima = hn::Max(maxima, columns - at < lanes() ? hn::IfThenElse(hn::FirstN(d, columns - at), v, lowest) : v);
  }
  const V maximum = hn::MaxOfLanes(d, maxima);
  V sums = hn::Zero(d);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    V v = exp(hn::Mul(hn::Sub(load_first(row + at, columns - at), maximum), hn::Set(d, scale)));
    if (columns - at < lanes()) v = hn::IfThenElseZero(hn::FirstN(d, columns - at), v);
    store_first(v, row + at, columns - at);
    sums = hn::Add(sums, v);
  }
  const V factor = hn::Div(hn::Set(d, 1.0f), hn::SumOfLanes(d, sums));
  for (std::size_t at = 0; at < columns; at += lanes()) {
    store_first(hn::Mul(load_first(row + at, columns - at), factor), row + at, columns - at);
  }
}

void add(const float* x, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; at += lanes()) {
    store_first(hn::Add(load_first(out + at, count - at), load_first(x + at, count - at)), out + at, count - at);
  }
}

void convert_f16(const unsigned short* from, std::size_t count, float* out) {
  const hn::Rebind<hwy::float16_t, D> half;
  std::size_t at = 0;
  for (; at + lanes() <= count; at += lanes()) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from + at))), d, out + at);
  }
  scalar_table().convert_f16(from + at, count - at, out + at);
}

void convert_bf16(const unsigned short* from, std::size_t count, float* out) {
  const hn::Rebind<hwy::bfloat16_t, D> half;
  std::size_t at = 0;
  for (; at + lanes() <= count; at += lanes()) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::bfloat16_t*>(from + at))), d, out + at);
  }
  scalar_table().convert_bf16(from + at, count - at, out + at);
}

const KernelTable& table() {
#if HWY_TARGET == HWY_AVX3
  constexpr const char* kName = "avx512";
#elif HWY_TARGET == HWY_AVX2
  constexpr const char* kName = "avx2";
#elif HWY_ARCH_ARM_A64
  constexpr const char* kName = "neon";
#else
  constexpr const char* kName = "sse2";  // newer Highway alone; never picked for Highway's own scalar fallback
#endif
  static const KernelTable kTable = {kName,      panel_columns(), gemm, pack_transposed, pack,
                                     layer_norm, softmax,         add,  convert_f16,     convert_bf16};
  return kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/vector.h"

namespace filbert {

// One row for each target that HWY_TARGETS compiled, the best last.
std::vector<VectorTable> vector_tables() {
  std::vector<VectorTable> tables;
#if defined(HWY_SSE2) && (HWY_TARGETS & HWY_SSE2)
  tables.push_back({HWY_SSE2, N_SSE2::table});
#endif
#if HWY_TARGETS & HWY_NEON
  tables.push_back({HWY_NEON, N_NEON::table});
#endif
#if HWY_TARGETS & HWY_AVX2
  tables.push_back({HWY_AVX2, N_AVX2::table});
#endif
#if HWY_TARGETS & HWY_AVX3
  tables.push_back({HWY_AVX3, N_AVX3::table});
#endif
  std::erase_if(tables, [](const VectorTable& row) { return (hwy::SupportedTargets() & row.target) == 0; });
  return tables;
}

}  // namespace filbert
#endif
