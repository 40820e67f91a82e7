// What the vector kernels share: included once for each instruction set, by files that foreach_target.h compiles again and again.
#if defined(FILBERT_KERNELS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FILBERT_KERNELS_VECTOR_INL_H_
#undef FILBERT_KERNELS_VECTOR_INL_H_
#else
#define FILBERT_KERNELS_VECTOR_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include <hwy/highway.h>

#include "kernels/kernels.h"

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

// A weight that does not fit the second cache is read from the third by the first rows of a panel while others find it there. So a product asks
// for what it reads `ahead` bytes later, and each of its first three tiles of rows for a third of the panel that comes next, a line a step, when
// there are further rows to multiply meanwhile (docs/notes/003).
// With the narrower vectors of AVX2 it costs about as much as it gives.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE void prefetch_soon(const void* from, std::size_t ahead) { __builtin_prefetch(static_cast<const char*>(from) + ahead); }
HWY_INLINE void prefetch_later(const std::byte* next, std::size_t step) { __builtin_prefetch(next + step * 64, 0, 2); }
// Where a tile's sums will go, asked for while they are made: of many rows they lie in no near cache any more.
template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void prefetch_sums(const float* c, std::size_t c_stride, std::size_t vector) {
#pragma GCC unroll 8
  for (std::size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) __builtin_prefetch(c + row * c_stride + v * vector, 1);
  }
}
#else
template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void prefetch_sums(const float*, std::size_t, std::size_t) {}
HWY_INLINE void prefetch_soon(const void*, std::size_t) {}
HWY_INLINE void prefetch_later(const std::byte*, std::size_t) {}
#endif
// What tile `tile` of `tiles` asks for: of `panel`, which is `bytes` long, or of the next; `steps` are those of its loop.
HWY_INLINE const std::byte* next_third(const void* panel, std::size_t bytes, std::size_t tile, std::size_t tiles, std::size_t steps) {
  return static_cast<const std::byte*>(panel) + (tiles == 1 ? 0 : bytes + std::min<std::size_t>(tile, 2) * steps * 64);
}

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

// NaN stays NaN: a broken weight must show in the logits.
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
    case Activation::relu: return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
    case Activation::silu: return hn::Mul(x, sigmoid(x));
    case Activation::tanh: return hn::IfThenElse(hn::IsNaN(x), x, tanh(x));
  }
  return x;
}

// In place over a row of a tile that was just stored: the values are still in the first cache.
[[maybe_unused]] static HWY_NOINLINE void activate_row(Activation activation, float* row, std::size_t columns) {
  for (std::size_t at = 0; at < columns; at += lanes()) {
    store_first(activate(activation, load_first(row + at, columns - at)), row + at, columns - at);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
