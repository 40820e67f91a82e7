// The ids of chunks seen before, so that the words that make up most of a text are cut once, as they are written. Of
// bounded size: a new chunk takes the place of an old one. Tested by chunks_test.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "tokenize/short_string.h"

namespace filbert {

class ChunkCache {
 public:
  static constexpr std::size_t kMaxIds = 3;
  struct Ids {
    std::uint32_t size;
    std::int32_t ids[kMaxIds];
  };

  // Null if `chunk` is not known.
  const Ids* find(const ShortString& chunk) const {
    const Entry* set = &entries_[first_of_set(chunk)];
    if (set[0].chunk == chunk) return &set[0].ids;
    if (set[1].chunk == chunk) return &set[1].ids;
    return nullptr;
  }
  // Nothing is kept of more than kMaxIds.
  void put(const ShortString& chunk, std::span<const std::int32_t> ids) {
    if (ids.size() > kMaxIds) return;
    Entry* set = &entries_[first_of_set(chunk)];
    set[1] = set[0];
    set[0].chunk = chunk;
    set[0].ids.size = static_cast<std::uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), set[0].ids.ids);
  }

 private:
  static constexpr std::size_t kSets = 4096;  // 256 KiB
  struct Entry {
    ShortString chunk;  // no chunk is empty
    Ids ids;
  };
  static std::size_t first_of_set(const ShortString& chunk) { return chunk.hash() % kSets * 2; }
  static Entry* make() {
    void* memory = std::calloc(kSets * 2, sizeof(Entry));  // pages that nobody asks for stay untouched
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<Entry*>(memory);
  }
  struct Free {
    void operator()(Entry* entries) const { std::free(entries); }
  };

  std::unique_ptr<Entry[], Free> entries_{make()};  // [kSets, 2]; all zeros is an empty one
};

}  // namespace filbert
