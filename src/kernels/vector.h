// The vector tables that this CPU can run; only dispatch.cpp asks.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace filbert {

// Instructions for narrow numbers, beside an instruction set of Highway's.
enum class Extra {
  none,
  avx_vnni,       // AVX-VNNI: 8-bit dot products of 256 bits
  vnni,           // AVX512-VNNI
  vnni_and_bf16,  // AVX512-VNNI and AVX512-BF16
};
bool cpu_has(Extra extra);  // dispatch.cpp

struct VectorTable {
  std::int64_t target;            // HWY_AVX2, …
  Extra extra;
  const KernelTable& (*table)();  // may only be called where the CPU has both
};
std::vector<VectorTable> vector_tables();

}  // namespace filbert
