// A dot product whose sums run in one order whatever the compiler makes of them.
#pragma once

#include <cstddef>

namespace filbert {

// In the order of eight lanes, which a compiler may compute at once.
template <typename T>
T dot(const T* a, const T* b, std::size_t count) {
  constexpr std::size_t kLanes = 8;
  T sums[kLanes] = {};
  std::size_t at = 0;
  for (; at + kLanes <= count; at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[at + lane] * b[at + lane];
  }
  T sum = 0;
  for (const T lane : sums) sum += lane;
  for (; at < count; ++at) sum += a[at] * b[at];
  return sum;
}

}  // namespace filbert
