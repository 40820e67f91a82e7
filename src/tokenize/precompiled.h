// sentencepiece's character map (normalizer Precompiled): a double-array trie from strings to what replaces them. Applied
// as the package spm_precompiled does: to a whole grapheme if it is shorter than 6 bytes, and by its shortest known
// beginning. Tested by sections_test.cpp.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/aligned_text.h"

namespace filbert {

class Precompiled {
 public:
  // `charsmap`: bytes of the trie, the trie, the replacements with a NUL after each. `name` leads messages. Throws
  // Error(corrupt) if the sizes do not fit.
  static Precompiled from_bytes(std::string_view charsmap, std::string_view name);
  // As tokenizer.json writes it: base64.
  static Precompiled from_base64(std::string_view base64, std::string_view name);

  // What `chunk` becomes; nothing: it stays.
  std::optional<std::string_view> find(std::string_view chunk) const;
  void normalize(const AlignedText& in, AlignedText& out) const;

 private:
  void normalize_text(std::string_view in, std::string& out) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::bitset<128> maps_ascii_;
};

}  // namespace filbert
