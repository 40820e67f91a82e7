#include "tokenize/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace filbert::unicode {
namespace {

#include "tokenize/unicode_tables.inc"

constexpr std::size_t kBlock = 128;

template <std::size_t blocks, typename Value>
Value look_up(const std::uint8_t (&stage1)[blocks], const Value* stage2, char32_t code_point) {
  const std::size_t block = std::min<std::size_t>(code_point / kBlock, blocks - 1);
  return stage2[stage1[block] * kBlock + code_point % kBlock];
}

Mapping from_pool(std::size_t place, char32_t code_point) {
  Mapping mapping{{code_point}, 1};
  if (place == 0) return mapping;
  mapping.size = kMappingPool[place];
  for (std::size_t i = 0; i < mapping.size; ++i) mapping.code_points[i] = kMappingPool[place + 1 + i];
  return mapping;
}

// Hangul syllables are laid out by rule: leading consonant, vowel, trailing consonant or none.
constexpr char32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;

Mapping decompose_hangul(char32_t syllable) {
  const char32_t index = syllable - kHangulFirst;
  Mapping mapping{{0x1100 + index / (21 * 28), 0x1161 + index / 28 % 21, 0x11A7 + index % 28}, 3};
  if (index % 28 == 0) mapping.size = 2;
  return mapping;
}

struct Range {
  char32_t first, last;
};
constexpr std::array kChinese = {Range{kFirstChinese, 0x4DBF},   Range{0x4E00, 0x9FFF},   Range{0xF900, 0xFAFF},
                                 Range{0x20000, 0x2A6DF}, Range{0x2A700, 0x2B73F}, Range{0x2B740, 0x2B81F},
                                 Range{0x2B920, 0x2CEAF}, Range{0x2F800, 0x2FA1F}};

}  // namespace

static_assert(std::size(kFlagStage1) == 0x110000 / kBlock && kBlock == 128, "flags() looks up without a check");
const std::uint8_t* const kFlagBlocks = kFlagStage1;
const std::uint8_t* const kFlags = kFlagStage2;

std::uint8_t combining_class(char32_t code_point) { return look_up(kClassStage1, kClassStage2, code_point); }

Mapping decompose(char32_t code_point) {
  if (code_point >= kHangulFirst && code_point <= kHangulLast) return decompose_hangul(code_point);
  return from_pool(look_up(kDecomposeStage1, kDecomposeStage2, code_point), code_point);
}

Mapping lower(char32_t code_point) { return from_pool(look_up(kLowerStage1, kLowerStage2, code_point), code_point); }

bool is_in_chinese_ranges(char32_t code_point) {
  return std::any_of(kChinese.begin(), kChinese.end(),
                     [&](Range range) { return code_point >= range.first && code_point <= range.last; });
}

}  // namespace filbert::unicode
