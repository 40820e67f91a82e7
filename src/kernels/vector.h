// The vector tables that this CPU can run; only dispatch.cpp asks.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace filbert {

struct VectorTable {
  std::int64_t target;            // HWY_AVX2, …
  const KernelTable& (*table)();  // may only be called where the target is supported
};
std::vector<VectorTable> vector_tables();

}  // namespace filbert
