// Floats on cache-line boundaries, neither initialised nor ever shrunk: weights and scratch memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <sys/mman.h>

namespace filbert {

class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t count) { reserve(count); }

  // At least `count` floats; what was held is lost if it grows. Throws std::bad_alloc.
  void reserve(std::size_t count) {
    if (count <= capacity_) return;
    data_.reset();
    // Large weights on huge pages where the kernel has them: fewer faults at start, fewer misses later.
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    const std::size_t alignment = count * sizeof(float) >= kHugePage ? kHugePage : 64;
    const std::size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
    data_.reset(static_cast<float*>(std::aligned_alloc(alignment, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    if (alignment == kHugePage) ::madvise(data_.get(), bytes, MADV_HUGEPAGE);
    capacity_ = count;
  }

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t capacity() const { return capacity_; }
  std::span<float> first(std::size_t count) { return {data_.get(), count}; }
  std::span<const float> first(std::size_t count) const { return {data_.get(), count}; }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace filbert
