// A text on its way through normalizers and pre-tokenizers of every kind, and for each of its bytes the place in the source
// that it comes from. Places move exactly as in tokenizers' NormalizedString, so that offsets are equal even where they look
// odd. (BERT's own way keeps runs instead: NormalizedText.) Tested by sections_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

struct AlignedText {
  struct Range {
    std::uint32_t begin, end;  // bytes of the source
  };

  std::string text;
  bool keeps_origins = true;   // off: text alone, and `origins` stays empty
  std::vector<Range> origins;  // [text.size()]
  std::uint32_t base = 0;      // where the part of the source begins that all of this comes from

  // Replaces all by source[begin, end).
  void assign(std::string_view source, std::size_t begin, std::size_t end);
  void clear();
  // The source bytes of text[begin, end), which must not be empty.
  Range original(std::size_t begin, std::size_t end) const { return {origins[begin].begin, origins[end - 1].end}; }
};

// Writes the stretch [begin, end) of one text to the end of another, character by character.
class Rewriter {
 public:
  Rewriter(const AlignedText& in, std::size_t begin, std::size_t end, AlignedText& out)
      : in_(in), out_(out), at_(begin), begin_(begin), end_(end) {}

  std::size_t at() const { return at_; }
  // Leaves out the next `chars` characters.
  void skip(std::size_t chars);
  // Copies the next `bytes` bytes, whole characters.
  void copy(std::size_t bytes);
  // `c` in the place of the next character (change 0), of it and the next n (-n), or as an insertion after what was read
  // last, with whose place (1).
  void put(char32_t c, int change);
  // Leaves out `bytes` bytes and writes `content` in their place, with the place of the last of them.
  void replace(std::size_t bytes, std::string_view content);

 private:
  AlignedText::Range before() const;
  void append(std::string_view bytes, AlignedText::Range origin);

  const AlignedText& in_;
  AlignedText& out_;
  std::size_t at_, begin_, end_;
};

}  // namespace filbert
