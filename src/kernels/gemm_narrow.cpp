// Products of bf16 and of 8-bit numbers: rows of activations, prepared one by one, against packed panels. Compiled once for
// each instruction set, like vector.cpp.
//
// A `Dot` is how some numbers of a column are loaded, multiplied and summed. The portable ones widen them with Highway; the
// native ones are single instructions that Highway 1.0 has no operation for, written as assembly so that no other function is
// compiled for them.
#include "kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_narrow.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace filbert {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
// Highway's own fallback is one lane wide: nothing to take apart, and never picked.
NarrowKernels bf16_kernels() { return scalar_table().bf16; }
NarrowKernels int8_kernels() { return scalar_table().int8; }
#else

using DI = hn::RebindToSigned<D>;
using DU = hn::RebindToUnsigned<D>;
using VI = hn::Vec<DI>;
using VU = hn::Vec<DU>;
const DI di;
const DU du;

// ---- rows of activations -----------------------------------------------------------------------------------------------

// f32 rounded to bf16: the bits above, the lower half zero.
HWY_INLINE VU round_bits(V x) {
  const VU bits = hn::BitCast(du, x);
  const VU odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const VU rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFFu)));
  const VU nan = hn::Or(bits, hn::Set(du, 0x400000u));
  return hn::And(hn::IfThenElse(hn::RebindMask(du, hn::Eq(x, x)), rounded, nan), hn::Set(du, 0xFFFF0000u));
}

// Two numbers in a lane.
void prepare_bf16_pairs(const float* x, const float*, const float*, std::size_t depth, std::byte* prepared, RowScale*) {
  const hn::Rebind<std::uint16_t, D> half;
  auto* out = reinterpret_cast<std::uint16_t*>(prepared);
  std::size_t k = 0;
  for (; k + lanes() <= depth; k += lanes()) {
    const VU bits = hn::ShiftRight<16>(round_bits(hn::LoadU(d, x + k)));
    hn::StoreU(hn::DemoteTo(half, hn::BitCast(di, bits)), half, out + k);
  }
  for (; k < depth; ++k) out[k] = round_to_bf16(x[k]);
  if (depth % 2 != 0) out[depth] = 0;
}

// Each number as the f32 that it is, for instruction sets that multiply nothing narrower; filled up to whole steps of one or two.
template <std::size_t kDepthStep>
void prepare_bf16_as_f32(const float* x, const float*, const float*, std::size_t depth, std::byte* prepared, RowScale*) {
  auto* out = reinterpret_cast<float*>(prepared);
  for (std::size_t k = 0; k < depth; k += lanes()) {
    store_first(hn::BitCast(d, round_bits(load_first(x + k, depth - k))), out + k, depth - k);
  }
  if (depth % kDepthStep != 0) out[depth] = 0;
}

// Numbers of 8 bits, stored as std::uint8_t in steps of 4 or as std::int16_t in steps of 2. The arithmetic is that of the
// scalar table.
template <typename Stored>
void prepare_int8(const float* x, const float* center, const float* factor, std::size_t depth, std::byte* prepared,
                  RowScale* row_scale) {
  const auto value = [&](std::size_t k) HWY_ATTR {
    const std::size_t left = depth - k;
    return hn::Mul(hn::Sub(load_first(x + k, left), load_first(center + k, left)), load_first(factor + k, left));
  };
  V least = hn::Zero(d), most = hn::Zero(d);
  for (std::size_t k = 0; k < depth; k += lanes()) {
    least = hn::Min(least, value(k));  // lanes past the end are 0, which the range holds anyway
    most = hn::Max(most, value(k));
  }
  const float low = hn::GetLane(hn::MinOfLanes(d, least)), range = hn::GetLane(hn::MaxOfLanes(d, most)) - low;
  const float inverse = range > 0 ? 255.0f / range : 0.0f;
  const VI zero_point = hn::NearestInt(hn::Set(d, -low * inverse));
  *row_scale = {range / 255.0f, hn::GetLane(zero_point)};

  const hn::Rebind<Stored, D> narrow;
  auto* out = reinterpret_cast<Stored*>(prepared);
  const auto quantize = [&](std::size_t k) HWY_ATTR {
    const VI q = hn::Add(hn::NearestInt(hn::Mul(value(k), hn::Set(d, inverse))), zero_point);
    return hn::DemoteTo(narrow, hn::Min(hn::Max(q, hn::Zero(di)), hn::Set(di, 255)));
  };
  std::size_t k = 0;
  for (; k + lanes() <= depth; k += lanes()) hn::StoreU(quantize(k), narrow, out + k);
  if (k == depth) return;  // whole vectors are whole steps
  Stored rest[HWY_MAX_BYTES / sizeof(float)];
  hn::StoreU(quantize(k), narrow, rest);
  std::copy_n(rest, depth - k, out + k);
  constexpr std::size_t kStep = 4 / sizeof(Stored);
  std::fill(out + depth, out + (depth + kStep - 1) / kStep * kStep, Stored{0});
}

// ---- dots: a lane for each column of a vector, kDepthStep numbers of it ----------------------------------------------------

// 32 registers, or 16.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64;

template <typename T>
HWY_INLINE T load_as(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// A number a lane, widened to the f32 that it is.
struct PortableBf16 {
  static constexpr std::size_t kTileRows = kManyRegisters ? 8 : 4, kPanelVectors = 3;
  static constexpr std::size_t kDepthStep = 1, kNumberBytes = 2, kPreparedBytes = 4;
  using Sum = V;
  static constexpr auto prepare = prepare_bf16_as_f32<kDepthStep>;

  static HWY_INLINE V load(const std::byte* from) {
    const hn::Rebind<hwy::bfloat16_t, D> half;
    return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::bfloat16_t*>(from)));
  }
  static HWY_INLINE V broadcast(const std::byte* from) { return hn::Set(d, load_as<float>(from)); }
  static HWY_INLINE V dot(V sum, V a, V b) { return hn::MulAdd(a, b, sum); }
};

#if HWY_TARGET == HWY_AVX3
// Two numbers a lane, which become two vectors of f32: fewer instructions beside the FMAs, and the same sums. It takes all 32 registers.
struct PairBf16 {
  static constexpr std::size_t kTileRows = 8, kPanelVectors = 3;
  static constexpr std::size_t kDepthStep = 2, kNumberBytes = 2, kPreparedBytes = 4;
  using Sum = V;
  struct Pair {
    V even, odd;
  };
  static constexpr auto prepare = prepare_bf16_as_f32<kDepthStep>;

  static HWY_INLINE Pair load(const std::byte* from) {
    const VU both = hn::LoadU(du, reinterpret_cast<const std::uint32_t*>(from));
    return {hn::BitCast(d, hn::ShiftLeft<16>(both)), hn::BitCast(d, hn::And(both, hn::Set(du, 0xFFFF0000u)))};
  }
  static HWY_INLINE Pair broadcast(const std::byte* from) {
    return {hn::Set(d, load_as<float>(from)), hn::Set(d, load_as<float>(from + sizeof(float)))};
  }
  static HWY_INLINE V dot(V sum, Pair a, Pair b) { return hn::MulAdd(a.odd, b.odd, hn::MulAdd(a.even, b.even, sum)); }
};
#endif

// sum + a₀·b₀ + a₁·b₁ of the 16-bit halves of each lane.
HWY_INLINE VI pair_dot(VI sum, VI a, VI b) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  const hn::RepartitionToNarrow<DI> half;
  VI unused = hn::Zero(di);
  sum = hn::ReorderWidenMulAccumulate(di, hn::BitCast(half, a), hn::BitCast(half, b), sum, unused);
#if HWY_TARGET == HWY_AVX2
  asm("" : "+x"(sum.raw));  // g++ 12 otherwise gathers the additions at the end of the step and spills
#endif
  return sum;
#else
  const VI low = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a)), hn::ShiftRight<16>(hn::ShiftLeft<16>(b)));
  return hn::Add(sum, hn::Add(low, hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b))));
#endif
}

// Two numbers a lane. A product of 255 and 127, and the sum of two, needs more than 16 bits: both are widened first.
struct PortableInt8 {
  static constexpr std::size_t kTileRows = kManyRegisters ? 8 : 4, kPanelVectors = kManyRegisters ? 3 : 2;
  static constexpr std::size_t kDepthStep = 2, kNumberBytes = 1, kPreparedBytes = 2;
  using Sum = VI;
  static constexpr auto prepare = prepare_int8<std::int16_t>;

  static HWY_INLINE VI load(const std::byte* from) {
    const hn::RepartitionToNarrow<DI> wide;
    const hn::Rebind<std::int8_t, hn::RepartitionToNarrow<DI>> bytes;
    return hn::BitCast(di, hn::PromoteTo(wide, hn::LoadU(bytes, reinterpret_cast<const std::int8_t*>(from))));
  }
  static HWY_INLINE VI broadcast(const std::byte* from) { return hn::Set(di, load_as<std::int32_t>(from)); }
  static HWY_INLINE VI dot(VI sum, VI a, VI b) { return pair_dot(sum, a, b); }
};

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
// vpdpbusd: four unsigned bytes times four signed ones, all four products summed without saturation in between.
struct NativeInt8 {
  static constexpr std::size_t kTileRows = kManyRegisters ? 8 : 4, kPanelVectors = 3;
  static constexpr std::size_t kDepthStep = 4, kNumberBytes = 1, kPreparedBytes = 1;
  using Sum = VI;
  static constexpr auto prepare = prepare_int8<std::uint8_t>;

  static HWY_INLINE VI load(const std::byte* from) { return hn::LoadU(di, reinterpret_cast<const std::int32_t*>(from)); }
  static HWY_INLINE VI broadcast(const std::byte* from) { return hn::Set(di, load_as<std::int32_t>(from)); }
  static HWY_INLINE VI dot(VI sum, VI a, VI b) {
#if HWY_TARGET == HWY_AVX3
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(a.raw), "x"(b.raw));
#endif
    return sum;
  }
};
#endif

#if HWY_TARGET == HWY_AVX3
// vdpbf16ps: two products, added one after the other, each sum rounded to nearest even, subnormals as zero.
struct NativeBf16 {
  static constexpr std::size_t kTileRows = 8, kPanelVectors = 3;
  static constexpr std::size_t kDepthStep = 2, kNumberBytes = 2, kPreparedBytes = 2;
  using Sum = V;
  static constexpr auto prepare = prepare_bf16_pairs;

  static HWY_INLINE V load(const std::byte* from) { return hn::LoadU(d, reinterpret_cast<const float*>(from)); }
  static HWY_INLINE V broadcast(const std::byte* from) { return hn::BitCast(d, hn::Set(di, load_as<std::int32_t>(from))); }
  static HWY_INLINE V dot(V sum, V a, V b) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
  }
};
#endif

// ---- tiles ---------------------------------------------------------------------------------------------------------------

HWY_INLINE VI load_first_int(const std::int32_t* from, std::size_t count) {
  return hn::BitCast(di, load_first(reinterpret_cast<const float*>(from), count));
}

// The sums of one row and vector as f32, with the bias.
HWY_INLINE V finish(const NarrowGemmArgs& args, V sum, std::size_t, std::size_t column, std::size_t left) {
  return hn::Add(sum, load_first(args.bias + column, left));
}
HWY_INLINE V finish(const NarrowGemmArgs& args, VI sum, std::size_t row, std::size_t column, std::size_t left) {
  const RowScale scale = args.row_scales[row];
  const VI shift = hn::Mul(hn::Set(di, scale.zero_point), load_first_int(args.column_sums + column, left));
  const V factor = hn::Mul(hn::Set(d, scale.scale), load_first(args.column_scales + column, left));
  return hn::MulAdd(hn::ConvertTo(d, hn::Sub(sum, shift)), factor, load_first(args.bias + column, left));
}

// `row` and `column` are those of the tile's corner; `panel` is where the column's panel begins; `next` is next_third().
template <class Dot, std::size_t kRows, std::size_t kVectors>
HWY_NOINLINE void narrow_tile(const NarrowGemmArgs& args, std::size_t row, std::size_t column, const std::byte* panel,
                              const std::byte* next) {
  typename Dot::Sum sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(hn::DFromV<typename Dot::Sum>());
  }
  float* c = args.c + row * args.c_stride + column;
  if constexpr (std::is_same_v<typename Dot::Sum, V>) prefetch_sums<kRows, kVectors>(c, args.c_stride, lanes());  // 8 bits gain nothing
  const std::byte* a = args.a + row * args.a_stride;
  constexpr std::size_t kLaneBytes = Dot::kDepthStep * Dot::kNumberBytes;
  for (std::size_t k = 0; k < args.depth; k += Dot::kDepthStep) {
    decltype(Dot::load(panel)) columns[kVectors];
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) {
      columns[v] = Dot::load(panel + v * lanes() * kLaneBytes);
      prefetch_soon(panel + v * lanes() * kLaneBytes, 16 * Dot::kPanelVectors * lanes() * kLaneBytes);
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto broadcast = Dot::broadcast(a + r * args.a_stride);
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = Dot::dot(sums[r][v], broadcast, columns[v]);
    }
    a += Dot::kDepthStep * Dot::kPreparedBytes;
    panel += Dot::kPanelVectors * lanes() * kLaneBytes;
    prefetch_later(next, 0);
    next += 64;
  }
  const std::size_t columns_left = args.columns - column;
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t at = v * lanes(), left = columns_left - at;
      store_first(finish(args, sums[r][v], row + r, column + at, left), c + r * args.c_stride + at, left);
    }
  }
  if (args.activation == Activation::none) return;
  for (std::size_t r = 0; r < kRows; ++r) {
    activate_row(args.activation, c + r * args.c_stride, std::min(columns_left, kVectors * lanes()));
  }
}

using NarrowTile = void (*)(const NarrowGemmArgs&, std::size_t row, std::size_t column, const std::byte* panel, const std::byte* next);

// [rows − 1][vectors − 1], flat
template <class Dot, std::size_t... kIndex>
constexpr std::array<NarrowTile, sizeof...(kIndex)> narrow_tiles(std::index_sequence<kIndex...>) {
  return {narrow_tile<Dot, kIndex / Dot::kPanelVectors + 1, kIndex % Dot::kPanelVectors + 1>...};
}

template <class Dot>
void narrow_gemm(const NarrowGemmArgs& args) {
  static constexpr auto kTiles = narrow_tiles<Dot>(std::make_index_sequence<Dot::kTileRows * Dot::kPanelVectors>());
  const std::size_t width = Dot::kPanelVectors * lanes();
  const std::size_t panel_bytes = args.depth * width * Dot::kNumberBytes;
  for (std::size_t panel = args.panel_begin; panel < args.panel_end; ++panel) {
    const std::size_t column = panel * width;
    const std::size_t vectors = (std::min(width, args.columns - column) + lanes() - 1) / lanes();
    for (std::size_t row = 0; row < args.rows; row += Dot::kTileRows) {
      const std::size_t rows = std::min(Dot::kTileRows, args.rows - row);
      const std::byte* b = args.b + panel * panel_bytes;
      const std::byte* next = next_third(b, panel_bytes, row / Dot::kTileRows, (args.rows + Dot::kTileRows - 1) / Dot::kTileRows,
                                         args.depth / Dot::kDepthStep);
      kTiles[(rows - 1) * Dot::kPanelVectors + vectors - 1](args, row, column, b, next);
    }
  }
}

template <class Dot>
NarrowKernels narrow_kernels() {
  return {.panel_columns = Dot::kPanelVectors * lanes(),
          .depth_step = Dot::kDepthStep,
          .number_bytes = Dot::kNumberBytes,
          .prepared_bytes = Dot::kPreparedBytes,
          .prepare = Dot::prepare,
          .gemm = narrow_gemm<Dot>};
}

NarrowKernels int8_kernels() { return narrow_kernels<PortableInt8>(); }
#if HWY_TARGET != HWY_AVX3
NarrowKernels bf16_kernels() { return narrow_kernels<PortableBf16>(); }
#else
NarrowKernels bf16_kernels() { return narrow_kernels<PairBf16>(); }
NarrowKernels native_bf16_kernels() { return narrow_kernels<NativeBf16>(); }
#endif
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
NarrowKernels native_int8_kernels() { return narrow_kernels<NativeInt8>(); }
#endif
#endif  // HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();
