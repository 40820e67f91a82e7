// Scores of many stored vectors for one query. The numbers are widened to f32 on their way: reading them from memory takes longer.
// Compiled once for each instruction set, like vector.cpp.
#include "kernels/kernels.h"

#include <cstddef>
#include <cstdint>

#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dots.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace filbert {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
void dots_int8(const DotsArgs& args) { scalar_table().dots_int8(args); }
void dots_f16(const DotsArgs& args) { scalar_table().dots_f16(args); }
#else

struct Int8 {
  static constexpr std::size_t kBytes = 1;
  static HWY_INLINE V load(const std::byte* from) {
    const hn::RebindToSigned<D> di;
    const hn::Rebind<std::int8_t, D> narrow;
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(narrow, reinterpret_cast<const std::int8_t*>(from))));
  }
  static HWY_INLINE float one(const std::byte* from) { return static_cast<float>(static_cast<std::int8_t>(*from)); }
};

struct F16 {
  static constexpr std::size_t kBytes = 2;
  static HWY_INLINE V load(const std::byte* from) {
    const hn::Rebind<hwy::float16_t, D> half;
    return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from)));
  }
  static HWY_INLINE float one(const std::byte* from) {
    float number = 0;
    scalar_table().convert_f16(reinterpret_cast<const unsigned short*>(from), 1, &number);
    return number;
  }
};

constexpr std::size_t kSums = 4;  // chains of multiply-adds under way: each waits four cycles for the one before

template <class Number>
void dots(const DotsArgs& args) {
  const std::size_t step = kSums * lanes(), width = args.parts * args.part_size;
  for (std::size_t vector = 0; vector < args.count; ++vector) {
    const std::byte* HWY_RESTRICT numbers = args.vectors + vector * width * Number::kBytes;
    V total = hn::Zero(d);
    float rest = 0;
    for (std::size_t at = 0; at < args.num_chosen; ++at) {
      const std::size_t part = args.chosen[at], end = (part + 1) * args.part_size;
      const float scale = args.scales ? args.scales[vector * args.parts + part] : 1.0f;
      V sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
      std::size_t i = part * args.part_size;
      for (; i + step <= end; i += step) {
        sum0 = hn::MulAdd(hn::LoadU(d, args.query + i), Number::load(numbers + i * Number::kBytes), sum0);
        sum1 = hn::MulAdd(hn::LoadU(d, args.query + i + lanes()), Number::load(numbers + (i + lanes()) * Number::kBytes), sum1);
        sum2 = hn::MulAdd(hn::LoadU(d, args.query + i + 2 * lanes()), Number::load(numbers + (i + 2 * lanes()) * Number::kBytes), sum2);
        sum3 = hn::MulAdd(hn::LoadU(d, args.query + i + 3 * lanes()), Number::load(numbers + (i + 3 * lanes()) * Number::kBytes), sum3);
      }
      for (; i + lanes() <= end; i += lanes()) {
        sum0 = hn::MulAdd(hn::LoadU(d, args.query + i), Number::load(numbers + i * Number::kBytes), sum0);
      }
      total = hn::MulAdd(hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)), hn::Set(d, scale), total);
      float left = 0;
      for (; i < end; ++i) left += args.query[i] * Number::one(numbers + i * Number::kBytes);
      rest += left * scale;
    }
    args.sums[vector] = hn::GetLane(hn::SumOfLanes(d, total)) + rest;
  }
}

void dots_int8(const DotsArgs& args) { dots<Int8>(args); }
void dots_f16(const DotsArgs& args) { dots<F16>(args); }
#endif  // HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();
