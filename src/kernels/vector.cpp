// The kernels over Highway: this file is compiled once for each instruction set, each in a namespace of its own, so that
// no function with the wrong instructions can leak into the rest.
#include "kernels/kernels.h"
#include "kernels/vector.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vector.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace filbert {
namespace HWY_NAMESPACE {

// A part of the depth, [begin, end).
struct Depth {
  std::size_t begin, end;
  const std::byte* next = nullptr;  // next_third()
};

// kRows rows of a against `kVectors` vectors of one panel, over a part of the depth: the first part begins the sums in c, the
// last one completes them. Each sum runs over depth in order, by fused multiply-add, whatever kRows, kVectors and parts are.
template <std::size_t kRows, std::size_t kVectors>
HWY_NOINLINE void gemm_tile(const GemmArgs& args, Depth depth, const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                            std::size_t first_column, float* HWY_RESTRICT c) {
  const std::size_t columns_left = args.b.columns - first_column;
  V sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[row][v] = depth.begin == 0 ? hn::Zero(d) : load_first(c + row * args.c_stride + v * lanes(), columns_left - v * lanes());
    }
  }
  if (depth.begin == 0) prefetch_sums<kRows, kVectors>(c, args.c_stride, lanes());
  b += depth.begin * panel_columns();
  for (std::size_t k = depth.begin; k < depth.end; ++k, b += panel_columns()) {
    V columns[kVectors];
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) {
      columns[v] = hn::LoadU(d, b + v * lanes());
      prefetch_soon(b + v * lanes(), 24 * panel_columns() * sizeof(float));
    }
    prefetch_later(depth.next, k - depth.begin);
#pragma GCC unroll 8
    for (std::size_t row = 0; row < kRows; ++row) {
      const V broadcast = hn::Set(d, a[row * args.a_stride + k]);
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kVectors; ++v) sums[row][v] = hn::MulAdd(broadcast, columns[v], sums[row][v]);
    }
  }
  const bool last = depth.end == args.b.depth;
#pragma GCC unroll 3
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t at = v * lanes();
    const V bias = last && args.bias != nullptr ? load_first(args.bias + first_column + at, columns_left - at) : hn::Zero(d);
#pragma GCC unroll 8
    for (std::size_t row = 0; row < kRows; ++row) {
      store_first(last ? hn::Add(sums[row][v], bias) : sums[row][v], c + row * args.c_stride + at, columns_left - at);
    }
  }
  if (!last || args.activation == Activation::none) return;
  const std::size_t columns = std::min(columns_left, kVectors * lanes());
  for (std::size_t row = 0; row < kRows; ++row) activate_row(args.activation, c + row * args.c_stride, columns);
}

using Tile = void (*)(const GemmArgs&, Depth, const float*, const float*, std::size_t, float*);

// kTiles[rows − 1][vectors − 1]
#define FILBERT_TILES(rows) {gemm_tile<rows, 1>, gemm_tile<rows, 2>, gemm_tile<rows, 3>}
constexpr Tile kTiles[kTileRows][kPanelVectors] = {
    FILBERT_TILES(1), FILBERT_TILES(2), FILBERT_TILES(3), FILBERT_TILES(4),
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
    FILBERT_TILES(5), FILBERT_TILES(6), FILBERT_TILES(7), FILBERT_TILES(8),
#endif
};
#undef FILBERT_TILES

void gemm_part(const GemmArgs& args, Depth depth) {
  for (std::size_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
    const float* b = args.b.data + panel * args.b.depth * panel_columns();
    const std::size_t first_column = panel * panel_columns();
    const std::size_t columns = std::min(panel_columns(), args.b.columns - first_column);
    const std::size_t vectors = (columns + lanes() - 1) / lanes();
    for (std::size_t row = 0; row < args.rows; row += kTileRows) {
      const std::size_t rows = std::min(kTileRows, args.rows - row);
      depth.next = next_third(b + depth.begin * panel_columns(), args.b.depth * panel_columns() * sizeof(float), row / kTileRows,
                              (args.rows + kTileRows - 1) / kTileRows, depth.end - depth.begin);
      kTiles[rows - 1][vectors - 1](args, depth, args.a + row * args.a_stride, b, first_column,
                                    args.c + row * args.c_stride + first_column);
    }
  }
}

void gemm(const GemmArgs& args) {
  constexpr std::size_t kFewRows = 16;  // fit beside anything
  const std::size_t parts = args.rows <= kFewRows ? 1 : depth_parts(args.b.depth);
  for (std::size_t part = 0; part < parts; ++part) {
    gemm_part(args, {args.b.depth * part / parts, args.b.depth * (part + 1) / parts});
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

void activate_all(Activation activation, const float* x, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; at += lanes()) {
    store_first(activate(activation, load_first(x + at, count - at)), out + at, count - at);
  }
}

// d activation(x) / dx, by the formulas of backward.h.
HWY_INLINE V slope(Activation activation, V x) {
  const V one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f);
  const auto of_sigmoid = [&](V scale) {
    const V s = sigmoid(hn::Mul(scale, x));
    return hn::MulAdd(hn::Mul(hn::Mul(scale, x), s), hn::Sub(one, s), s);
  };
  switch (activation) {
    case Activation::none: return one;
    case Activation::gelu: {
      const V density = hn::Mul(exp(hn::Mul(hn::Mul(hn::Set(d, -0.5f), x), x)), hn::Set(d, 0.39894228f));
      return hn::MulAdd(x, density, hn::MulAdd(half, erf(hn::Mul(x, hn::Set(d, 0.70710678f))), half));
    }
    case Activation::gelu_tanh:
    case Activation::gelu_fast: {
      const V cubic = hn::Set(d, 0.044715f), factor = hn::Set(d, 0.79788456f), squared = hn::Mul(x, x);
      const V t = tanh(hn::Mul(factor, hn::MulAdd(hn::Mul(cubic, squared), x, x)));
      const V inner = hn::Mul(factor, hn::MulAdd(hn::Mul(hn::Set(d, 3.0f), cubic), squared, one));
      const V steep = hn::Mul(hn::Mul(x, hn::NegMulAdd(t, t, one)), inner);
      return hn::Mul(half, hn::Add(hn::Add(one, t), steep));
    }
    case Activation::quick_gelu: return of_sigmoid(hn::Set(d, 1.702f));
    case Activation::relu: return hn::IfThenElseZero(hn::Gt(x, hn::Zero(d)), one);
    case Activation::silu: return of_sigmoid(one);
    case Activation::tanh: {
      const V t = tanh(x);
      return hn::NegMulAdd(t, t, one);
    }
  }
  return one;
}

void activate_backward(Activation activation, const float* x, const float* dy, std::size_t count, float* dx) {
  for (std::size_t at = 0; at < count; at += lanes()) {
    const std::size_t left = count - at;
    store_first(hn::Mul(load_first(dy + at, left), slope(activation, load_first(x + at, left))), dx + at, left);
  }
}

void layer_norm_backward(const float* x, const float* dy, const float* weight, float epsilon, std::size_t columns, float* dx) {
  V sums = hn::Zero(d);
  for (std::size_t at = 0; at < columns; at += lanes()) sums = hn::Add(sums, load_first(x + at, columns - at));
  const V mean = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, sums)) / static_cast<float>(columns));
  V squares = hn::Zero(d), all = hn::Zero(d), along = hn::Zero(d);  // of x, of g, and of g along x
  for (std::size_t at = 0; at < columns; at += lanes()) {
    const std::size_t left = columns - at;
    V centered = hn::Sub(load_first(x + at, left), mean);
    if (left < lanes()) centered = hn::IfThenElseZero(hn::FirstN(d, left), centered);
    const V g = hn::Mul(load_first(dy + at, left), load_first(weight + at, left));
    squares = hn::MulAdd(centered, centered, squares);
    all = hn::Add(all, g);
    along = hn::MulAdd(g, centered, along);
  }
  const auto mean_of = [&](V v) { return hn::GetLane(hn::SumOfLanes(d, v)) / static_cast<float>(columns); };
  const float inverse = 1.0f / std::sqrt(mean_of(squares) + epsilon);
  const V scale = hn::Set(d, inverse), mean_g = hn::Set(d, mean_of(all)), factor = hn::Set(d, mean_of(along) * inverse * inverse);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    const std::size_t left = columns - at;
    const V centered = hn::Sub(load_first(x + at, left), mean);
    const V g = hn::Mul(load_first(dy + at, left), load_first(weight + at, left));
    store_first(hn::Mul(scale, hn::NegMulAdd(centered, factor, hn::Sub(g, mean_g))), dx + at, left);
  }
}

void softmax_backward(const float* probabilities, std::size_t columns, float scale, float* gradient) {
  V sums = hn::Zero(d);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    sums = hn::MulAdd(load_first(probabilities + at, columns - at), load_first(gradient + at, columns - at), sums);
  }
  const V sum = hn::SumOfLanes(d, sums);
  for (std::size_t at = 0; at < columns; at += lanes()) {
    const std::size_t left = columns - at;
    const V p = hn::Mul(load_first(probabilities + at, left), hn::Set(d, scale));
    store_first(hn::Mul(p, hn::Sub(load_first(gradient + at, left), sum)), gradient + at, left);
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

// dots.cpp
void dots_int8(const DotsArgs& args);
void dots_f16(const DotsArgs& args);

// gemm_narrow.cpp
NarrowKernels bf16_kernels();
NarrowKernels int8_kernels();
#if HWY_TARGET == HWY_AVX3
NarrowKernels native_bf16_kernels();
#endif
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
NarrowKernels native_int8_kernels();
#endif

// The kernels of this instruction set, with or without the instructions that a CPU may have beside it.
template <Extra kExtra>
const KernelTable& table() {
#if HWY_TARGET == HWY_AVX3
  constexpr const char* kName = kExtra == Extra::none ? "avx512" : kExtra == Extra::vnni ? "avx512vnni" : "avx512bf16";
#elif HWY_TARGET == HWY_AVX2
  constexpr const char* kName = kExtra == Extra::none ? "avx2" : "avxvnni";
#elif HWY_ARCH_ARM_A64
  constexpr const char* kName = "neon";
#else
  constexpr const char* kName = "";  // Highway's least instruction set, which cannot be left out and is in no row of vector_tables()
#endif
  static const KernelTable kTable = [] {
    KernelTable built = {.name = kName,
                         .panel_columns = panel_columns(),
                         .gemm = gemm,
                         .pack_transposed = pack_transposed,
                         .pack = pack,
                         .layer_norm = layer_norm,
                         .softmax = softmax,
                         .add = add,
                         .activate = activate_all,
                         .activate_backward = activate_backward,
                         .layer_norm_backward = layer_norm_backward,
                         .softmax_backward = softmax_backward,
                         .convert_f16 = convert_f16,
                         .convert_bf16 = convert_bf16,
                         .dots_int8 = dots_int8,
                         .dots_f16 = dots_f16,
                         .bf16 = bf16_kernels(),
                         .int8 = int8_kernels(),
                         .native_bf16 = false,
                         .native_int8 = false};
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
    if (kExtra != Extra::none) built.int8 = native_int8_kernels(), built.native_int8 = true;
#endif
#if HWY_TARGET == HWY_AVX3
    if (kExtra == Extra::vnni_and_bf16) built.bf16 = native_bf16_kernels(), built.native_bf16 = true;
#endif
    return built;
  }();
  return kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace filbert {

// One row for each table that may run, the best last. Not SSE2, which newer versions of Highway begin with: it has no FMA, so that int8 would have other
// bits there than in any other table, and Highway's conversion from half precision knows no infinity on it.
std::vector<VectorTable> vector_tables() {
  std::vector<VectorTable> tables;
#if HWY_TARGETS & HWY_NEON
  tables.push_back({HWY_NEON, Extra::none, N_NEON::table<Extra::none>});
#endif
#if HWY_TARGETS & HWY_AVX2
  tables.push_back({HWY_AVX2, Extra::none, N_AVX2::table<Extra::none>});
  tables.push_back({HWY_AVX2, Extra::avx_vnni, N_AVX2::table<Extra::avx_vnni>});
#endif
#if HWY_TARGETS & HWY_AVX3
  tables.push_back({HWY_AVX3, Extra::none, N_AVX3::table<Extra::none>});
  tables.push_back({HWY_AVX3, Extra::vnni, N_AVX3::table<Extra::vnni>});
  tables.push_back({HWY_AVX3, Extra::vnni_and_bf16, N_AVX3::table<Extra::vnni_and_bf16>});
#endif
  std::erase_if(tables, [](const VectorTable& row) {
    return (hwy::SupportedTargets() & row.target) == 0 || !cpu_has(row.extra);
  });
  return tables;
}

}  // namespace filbert
#endif
