// A vector of ids for a loop that appends a few at a time: `count` of them are written whole, whatever is used of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace filbert {

class IdBuffer {
 public:
  std::size_t size() const { return size_; }
  std::span<const std::int32_t> ids() const { return {ids_.data(), size_}; }
  void clear() { size_ = 0; }

  void push_back(std::int32_t id) {
    make_room(1);
    ids_[size_++] = id;
  }
  // Appends the first `size` of `ids`.
  template <std::size_t count>
  void append(const std::int32_t (&ids)[count], std::size_t size) {
    make_room(count);
    std::memcpy(ids_.data() + size_, ids, sizeof ids);
    size_ += size;
  }

 private:
  void make_room(std::size_t count) {
    if (ids_.size() - size_ < count) ids_.resize(2 * ids_.size() + count);
  }

  std::vector<std::int32_t> ids_;  // [size_ and more]
  std::size_t size_ = 0;
};

}  // namespace filbert
