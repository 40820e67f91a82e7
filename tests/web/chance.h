// What the made-up samples of the pages are drawn with.
#pragma once

#include <cstdint>

namespace filbert::reference {

// Numbers from 0 to 1 that look like chance and are the same everywhere.
class Chance {
 public:
  explicit Chance(std::uint32_t seed) : state_(seed) {}
  double operator()() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<double>(state_ >> 8) / (1 << 24);
  }

 private:
  std::uint32_t state_;
};

}  // namespace filbert::reference
