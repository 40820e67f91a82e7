// The strings of a vocabulary and their ids: one buffer of text, an array of views into it and an open-addressing hash
// table, so that 120 thousand entries load in a few milliseconds. Tested by vocab_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/short_string_table.h"

namespace filbert {

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

  // Null if no token is `token`.
  const std::int32_t* find(const ShortString& token) const { return short_tokens_.find(token); }

  struct Match {
    std::int32_t id;    // -1: no such token
    std::size_t bytes;  // of the text, more than 0
  };
  // The longest token that is `prefix` and then a beginning of text[begin, end), valid UTF-8.
  Match longest(std::string_view prefix, std::string_view text, std::size_t begin, std::size_t end) const;

  std::size_t max_token_bytes() const { return max_token_bytes_; }
  std::size_t duplicates() const { return duplicates_; }  // lines of vocab.txt that a later one hides
  std::size_t gaps() const { return gaps_; }              // ids that nothing has

 private:
  struct Place {
    std::uint32_t begin, bytes;  // in text_
  };
  // Those of the tokens that are longer than a ShortString and begin with the same one: long_tokens_[begin, end).
  struct Group {
    std::size_t begin, end;
  };

  void index(const std::vector<bool>& present);
  void index_long_tokens(std::vector<std::int32_t> ids);
  std::span<const std::int32_t> long_tokens(const ShortString& beginning) const;

  std::string text_;
  std::vector<Place> tokens_;
  ShortStringTable short_tokens_;  // ids
  ShortStringTable beginnings_;    // of longer tokens; places in long_groups_
  std::vector<Group> long_groups_;
  std::vector<std::int32_t> long_tokens_;  // ids; in each group the longest first
  std::size_t max_token_bytes_ = 0;
  std::size_t duplicates_ = 0;
  std::size_t gaps_ = 0;
};

}  // namespace filbert
