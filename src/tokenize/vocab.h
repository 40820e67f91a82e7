// The strings of a vocabulary and their ids: one buffer of text, an array of views into it and an open-addressing hash
// table, so that 120 thousand entries load in a few milliseconds. Tested by vocab_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

// A hash that grows byte by byte, so that one pass over a word gives the hash of each of its beginnings.
class RunningHash {
 public:
  void add(char byte) { state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x9E3779B97F4A7C15u; }
  void add(std::string_view bytes) {
    for (const char byte : bytes) add(byte);
  }
  std::uint64_t value() const { return state_ ^ state_ >> 32; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

class Vocab {
 public:
  // The lines of a vocab.txt: line number is id, and of equal lines the last one counts, as in transformers'
  // load_vocab. `name` leads messages. Throws Error(corrupt): no line, not UTF-8.
  static Vocab from_lines(std::string text, std::string_view name);

  struct Entry {
    std::string_view token;
    std::int64_t id;
  };
  // Entries with ids of their own, in any order; the strings are copied. Throws Error(corrupt): none, an id that is
  // negative or absurd, or taken twice.
  static Vocab from_entries(const std::vector<Entry>& entries, std::string_view name);

  // One past the highest id.
  std::size_t size() const { return tokens_.size(); }
  // Empty for an id that nothing has. `id` must be below size().
  std::string_view token(std::size_t id) const { return {text_.data() + tokens_[id].begin, tokens_[id].bytes}; }
  std::optional<std::int32_t> find(std::string_view token) const;
  // The id of `prefix` + `rest`, or -1; `hash` must be that of the two together.
  std::int32_t find(std::uint64_t hash, std::string_view prefix, std::string_view rest) const;

  std::size_t max_token_bytes() const { return max_token_bytes_; }
  std::size_t duplicates() const { return duplicates_; }  // lines of vocab.txt that a later one hides
  std::size_t gaps() const { return gaps_; }              // ids that nothing has

 private:
  struct Place {
    std::uint32_t begin, bytes;  // in text_
  };
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash: most misses need no look at the string
    std::int32_t id = -1;
  };

  void index(const std::vector<bool>& present);

  std::string text_;
  std::vector<Place> tokens_;
  std::vector<Slot> slots_;  // a power of two, at least twice the entries
  std::size_t max_token_bytes_ = 0;
  std::size_t duplicates_ = 0;
  std::size_t gaps_ = 0;
};

}  // namespace filbert
