// How many operations a second one thread does in registers alone: what matmul.cpp measures the kernels against. Compiled
// once for each instruction set, as the kernels are.
#include "peak.h"

#include <chrono>
#include <cstddef>

#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace filbert {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
const D d;

// Sums that do not wait for each other: two FMAs a cycle, each done four cycles later, need eight; NEON's wider cores more.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr std::size_t kSums = 24;
#else
constexpr std::size_t kSums = 12;
#endif

struct F32 {
  static constexpr std::size_t kOperations = 2;  // in a lane
  static HWY_INLINE V step(V sum, V factor) { return hn::MulAdd(sum, factor, factor); }
};

// The native dot products of src/kernels/gemm_narrow.cpp.
#if HWY_TARGET == HWY_AVX3
struct Bf16 {
  static constexpr std::size_t kOperations = 4;
  static HWY_INLINE V step(V sum, V x) {
    asm("vdpbf16ps %1, %1, %0" : "+v"(sum.raw) : "v"(x.raw));
    return sum;
  }
};
#endif
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
struct Int8 {
  static constexpr std::size_t kOperations = 8;
  static HWY_INLINE V step(V sum, V x) {
#if HWY_TARGET == HWY_AVX3
    asm("vpdpbusd %1, %1, %0" : "+v"(sum.raw) : "v"(x.raw));
#else
    asm("%{vex%} vpdpbusd %1, %1, %0" : "+x"(sum.raw) : "x"(x.raw));
#endif
    return sum;
  }
};
#endif

template <class Dtype>
HWY_NOINLINE double peak(std::size_t repeat) {
  V sums[kSums];
  for (V& sum : sums) sum = hn::Set(d, 1.0f);
  const V x = hn::Set(d, 0.5f);
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t round = 0; round < repeat; ++round) {
#pragma GCC unroll 24
    for (std::size_t at = 0; at < kSums; ++at) sums[at] = Dtype::step(sums[at], x);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  V total = sums[0];
  for (std::size_t at = 1; at < kSums; ++at) total = hn::Add(total, sums[at]);
  const volatile float kept = hn::GetLane(total);
  static_cast<void>(kept);
  return static_cast<double>(repeat * kSums * hn::Lanes(d) * Dtype::kOperations) / seconds.count();
}

}  // namespace HWY_NAMESPACE
}  // namespace filbert
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace filbert {

double peak_operations_per_second(std::string_view kernels, ComputeDtype dtype, std::size_t repeat) {
  const bool f32 = dtype == ComputeDtype::f32, bf16 = dtype == ComputeDtype::bf16;
#if HWY_TARGETS & HWY_AVX3
  if (kernels.starts_with("avx512")) {
    if (f32) return N_AVX3::peak<N_AVX3::F32>(repeat);
    if (bf16 && kernels == "avx512bf16") return N_AVX3::peak<N_AVX3::Bf16>(repeat);
    if (!bf16 && kernels != "avx512") return N_AVX3::peak<N_AVX3::Int8>(repeat);
  }
#endif
#if HWY_TARGETS & HWY_AVX2
  if (kernels.starts_with("avx2") || kernels == "avxvnni") {
    if (f32) return N_AVX2::peak<N_AVX2::F32>(repeat);
    if (!bf16 && kernels == "avxvnni") return N_AVX2::peak<N_AVX2::Int8>(repeat);
  }
#endif
#if HWY_TARGETS & HWY_NEON
  if (kernels == "neon" && f32) return N_NEON::peak<N_NEON::F32>(repeat);
#endif
  static_cast<void>(kernels), static_cast<void>(f32), static_cast<void>(bf16), static_cast<void>(repeat);
  return 0.0;
}

}  // namespace filbert
#endif
