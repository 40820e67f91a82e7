// What tokenizers does with a code point, as tables measured by tools/make_unicode_tables.py. Tested by
// unicode_test.cpp.
//
// No Unicode library serves here: the package takes categories from an old version of Unicode, normalization from
// another and lower-casing from a third, and token ids must be equal for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace filbert::unicode {

// Bits of flags().
constexpr std::uint8_t kRemoved = 1;         // clean_text drops it: controls, NUL, U+FFFD, private use …
constexpr std::uint8_t kSpace = 2;           // White_Space
constexpr std::uint8_t kPunctuation = 4;     // a word of its own for BERT
constexpr std::uint8_t kNonspacingMark = 8;  // strip_accents drops it
constexpr std::uint8_t kWord = 16;           // \w
constexpr std::uint8_t kDecomposes = 32;     // decompose() gives something else
constexpr std::uint8_t kLowers = 64;         // lower() gives something else
constexpr std::uint8_t kReorders = 128;      // its combining_class() is not 0

// Bits of more_flags(), from tools/make_more_unicode_tables.py.
constexpr std::uint8_t kLetter = 1;            // \\p{L} of byte-level BPE
constexpr std::uint8_t kNumber = 2;            // \\p{N} of it
constexpr std::uint8_t kMark = 4;              // StripAccents drops it
constexpr std::uint8_t kDigit = 8;             // Digits cuts at it
constexpr std::uint8_t kAttaches = 16;         // belongs to the grapheme of the character before it
constexpr std::uint8_t kGraphemeControl = 32;  // a grapheme of its own
constexpr std::uint8_t kPrepends = 64;         // belongs to the grapheme of the character after it
constexpr std::uint8_t kPictographic = 128;    // an emoji, which joins others by U+200D
std::uint8_t more_flags(char32_t code_point);

// A block of flags for each 128 code points: blocks that are equal stand once.
extern const std::uint8_t* const kFlagBlocks;  // [0x110000 / 128]
extern const std::uint8_t* const kFlags;       // [blocks, 128]

inline std::uint8_t flags(char32_t code_point) {
  return kFlags[std::size_t{kFlagBlocks[code_point / 128]} * 128 + code_point % 128];
}

// 0 for starters, else the class by which NFD sorts.
std::uint8_t combining_class(char32_t code_point);

// One to four code points that stand for another.
struct Mapping {
  char32_t code_points[4];
  std::size_t size;
};
Mapping decompose(char32_t code_point);  // canonical and full (NFD)
std::span<const std::uint32_t> decompose_compatible(char32_t code_point);  // NFKD; empty: as decompose()
char32_t compose(char32_t first, char32_t second);                         // of NFC; 0: they stay two
Mapping lower(char32_t code_point);      // without context; U+0130 becomes two

// The ranges that BERT surrounds by spaces. U+2B820 to U+2B91F is missing in them, as it is in tokenizers.
constexpr char32_t kFirstChinese = 0x3400;
bool is_in_chinese_ranges(char32_t code_point);
inline bool is_chinese(char32_t code_point) {
  return code_point >= kFirstChinese && is_in_chinese_ranges(code_point);
}

// No normalizer of BERT's kind changes it, whatever its options, nor what stands beside it.
inline bool is_left_alone(char32_t code_point) {
  constexpr std::uint8_t kChanges = kRemoved | kSpace | kNonspacingMark | kDecomposes | kLowers | kReorders;
  return (flags(code_point) & kChanges) == 0 && !is_chinese(code_point);
}

// Reads valid UTF-8: the code point at text[at], and its length in bytes.
struct Char {
  char32_t code_point;
  std::uint32_t bytes;
};
inline Char decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) { return char32_t{static_cast<unsigned char>(text[at + offset])}; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

// The end of the extended grapheme cluster that begins at text[at], as the package cuts them.
std::size_t grapheme_end(std::string_view text, std::size_t at);

// The code point that ends before text[end]; `end` is not 0.
inline Char decode_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return decode(text, begin);
}

inline std::uint32_t utf8_length(char32_t code_point) {
  return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

}  // namespace filbert::unicode
