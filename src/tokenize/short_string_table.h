// A hash table from short strings to ids. Built once and then read: a miss, which is what the search for the longest piece
// mostly meets, costs a look at one byte. Tested by short_string_test.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tokenize/short_string.h"

namespace filbert {

class ShortStringTable {
 public:
  // Forgets all, and has room for `count` strings.
  void reset(std::size_t count) {
    const std::size_t slots = std::bit_ceil(count * 2 + 1);
    tags_.assign(slots, kEmpty);
    slots_.resize(slots);
  }

  // Null if `key` is not there.
  const std::int32_t* find(const ShortString& key) const {
    const Place place = find_place(key);
    return tags_[place.slot] == kEmpty ? nullptr : &slots_[place.slot].id;
  }
  // `key` has this id from now on. True if it had none before.
  bool put(const ShortString& key, std::int32_t id) {
    const Place place = find_place(key);
    const bool is_new = tags_[place.slot] == kEmpty;
    tags_[place.slot] = place.tag;
    slots_[place.slot] = {key, id};
    return is_new;
  }

 private:
  static constexpr std::uint8_t kEmpty = 0;
  struct Slot {
    ShortString key;
    std::int32_t id;
  };
  struct Place {
    std::size_t slot;  // with `key`, or the empty one where it would stand
    std::uint8_t tag;
  };
  Place find_place(const ShortString& key) const {
    const std::uint64_t hash = key.hash();
    const auto tag = static_cast<std::uint8_t>(hash >> 56 | 1);
    const std::size_t mask = tags_.size() - 1;
    std::size_t slot = hash & mask;
    while (tags_[slot] != kEmpty && !(tags_[slot] == tag && slots_[slot].key == key)) slot = (slot + 1) & mask;
    return {slot, tag};
  }

  std::vector<std::uint8_t> tags_ = {kEmpty};  // a byte of the hash, never 0
  std::vector<Slot> slots_ = std::vector<Slot>(1);
};

}  // namespace filbert
