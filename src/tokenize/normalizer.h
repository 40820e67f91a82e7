// Section `normalizer`: text in, normalized text out, with the way back to the bytes it came from.
// Tested by normalizer_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace filbert {

// Normalized text and where it comes from. A run is a stretch that was copied byte for byte (or changed in place, as
// lower-casing does), or the output of one character. ASCII text has one run; runs cost memory only where text changed.
class NormalizedText {
 public:
  std::string text;
  bool keeps_runs = true;  // off: text alone, and original() must not be asked

  void clear();
  // The next bytes of `text` up to the next call come from the source, one for one, from `source` on.
  void copied_from(std::size_t source);
  // The next bytes of `text` up to the next call come, all of them, from source bytes [begin, end).
  void made_from(std::size_t begin, std::size_t end);

  struct Range {
    std::size_t begin, end;
  };
  // The source bytes of text[begin, end), which must not be empty. Asked from left to right, a whole text costs one
  // pass over its runs.
  Range original(std::size_t begin, std::size_t end);

 private:
  struct Run {
    std::size_t begin;                     // in text
    std::size_t source_begin, source_end;  // source_end == kCopied: byte for byte
  };
  static constexpr std::size_t kCopied = static_cast<std::size_t>(-1);
  std::size_t run_end(std::size_t run) const { return run + 1 < runs_.size() ? runs_[run + 1].begin : text.size(); }

  std::vector<Run> runs_;
  std::size_t cursor_ = 0;
};

// As tokenizers' BertNormalizer: clean, space out Chinese characters, strip accents (NFD without nonspacing marks),
// lower-case, in this order.
struct BertNormalizer {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents = std::nullopt;  // absent: as lowercase
  bool lowercase = true;

  // Reads section `normalizer` of a tokenizer.json. Throws Error: unsupported (another type), corrupt.
  static BertNormalizer from_json(const JsonValue& normalizer);

  bool strips_accents() const { return strip_accents.value_or(lowercase); }
  // Replaces what `out` holds by the normalized bytes [begin, end) of `source`, which is valid UTF-8; the positions
  // that out.original() gives are bytes of `source`.
  void normalize(std::string_view source, std::size_t begin, std::size_t end, NormalizedText& out) const;
};

// Without a normalizer: `out` becomes a copy.
void copy_unchanged(std::string_view source, std::size_t begin, std::size_t end, NormalizedText& out);

}  // namespace filbert
