// Numbers on cache-line boundaries, neither initialised nor ever shrunk: weights and scratch memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace filbert {

template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t count) { reserve(count); }

  // Of `bytes` that mmap() gave, which may be read only; they are unmapped in the end.
  static AlignedBuffer of_mapping(void* data, std::size_t bytes) {
    AlignedBuffer buffer;
    buffer.data_ = std::unique_ptr<T, Free>(static_cast<T*>(data), Free{bytes});
    buffer.capacity_ = bytes / sizeof(T);
    return buffer;
  }

  // At least `count` of them; what was held is lost if it grows. Throws std::bad_alloc.
  void reserve(std::size_t count) {
    if (count <= capacity_) return;
    data_.reset();
    // Large weights on huge pages where the kernel has them: fewer faults at start, fewer misses later.
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64, of_huge_pages = bytes / kHugePage * kHugePage;
    void* data = nullptr;  // aligned_alloc would want whole huge pages
    if (::posix_memalign(&data, of_huge_pages > 0 ? kHugePage : 64, bytes) != 0) throw std::bad_alloc();
    data_ = std::unique_ptr<T, Free>(static_cast<T*>(data));
    if (of_huge_pages > 0) ::madvise(data_.get(), of_huge_pages, MADV_HUGEPAGE);  // not the rest, which would fill up one more
    capacity_ = count;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    std::size_t mapped_bytes = 0;  // 0: of posix_memalign()
    void operator()(T* data) const { mapped_bytes != 0 ? static_cast<void>(::munmap(data, mapped_bytes)) : std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};
using AlignedFloats = AlignedBuffer<float>;

}  // namespace filbert
