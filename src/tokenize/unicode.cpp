#include "tokenize/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace filbert::unicode {
namespace {

#include "tokenize/more_unicode_tables.inc"
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

constexpr char32_t kLeading = 0x1100, kVowel = 0x1161, kBeforeTrailing = 0x11A7;
constexpr char32_t kLeadingCount = 19, kVowelCount = 21, kTrailingCount = 28;

char32_t compose_hangul(char32_t first, char32_t second) {
  if (first >= kLeading && first < kLeading + kLeadingCount && second >= kVowel && second < kVowel + kVowelCount) {
    return kHangulFirst + ((first - kLeading) * kVowelCount + (second - kVowel)) * kTrailingCount;
  }
  const bool has_no_trailing = first >= kHangulFirst && first <= kHangulLast && (first - kHangulFirst) % kTrailingCount == 0;
  if (has_no_trailing && second > kBeforeTrailing && second < kBeforeTrailing + kTrailingCount) {
    return first + (second - kBeforeTrailing);
  }
  return 0;
}

// Consonants and vowels of Hangul, as graphemes join them.
enum class Jamo { none, leading, vowel, trailing, open, closed };  // open, closed: syllables without and with a trailing one
Jamo jamo(char32_t c) {
  if (c < 0x1100 || c > 0xD7FB) return Jamo::none;
  if (c <= 0x115F || (c >= 0xA960 && c <= 0xA97C)) return Jamo::leading;
  if (c <= 0x11A7 || (c >= 0xD7B0 && c <= 0xD7C6)) return Jamo::vowel;
  if (c <= 0x11FF || (c >= 0xD7CB && c <= 0xD7FB)) return Jamo::trailing;
  if (c < kHangulFirst || c > kHangulLast) return Jamo::none;
  return (c - kHangulFirst) % kTrailingCount == 0 ? Jamo::open : Jamo::closed;
}

bool jamo_join(Jamo before, Jamo after) {
  if (before == Jamo::leading) return after != Jamo::none && after != Jamo::trailing;
  if (before == Jamo::vowel || before == Jamo::open) return after == Jamo::vowel || after == Jamo::trailing;
  return before != Jamo::none && after == Jamo::trailing;
}

bool is_regional(char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }

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

std::uint8_t more_flags(char32_t code_point) { return look_up(kMoreStage1, kMoreStage2, code_point); }

std::span<const std::uint32_t> decompose_compatible(char32_t code_point) {
  const std::size_t place = look_up(kCompatibleStage1, kCompatibleStage2, code_point);
  if (place == 0) return {};
  return std::span(kCompatiblePool).subspan(place + 1, kCompatiblePool[place]);
}

char32_t compose(char32_t first, char32_t second) {
  if (const char32_t syllable = compose_hangul(first, second)) return syllable;
  std::size_t low = 0, high = std::size(kCompositions) / 3;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const std::uint32_t* pair = kCompositions + middle * 3;
    if (pair[0] == first && pair[1] == second) return pair[2];
    if (pair[0] < first || (pair[0] == first && pair[1] < second)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return 0;
}

std::size_t grapheme_end(std::string_view text, std::size_t at) {
  Char before = decode(text, at);
  std::size_t end = at + before.bytes;
  bool pictographic = false;  // a pictograph, and after it what attaches, up to here
  std::size_t regional = 0;
  while (end < text.size()) {
    const Char c = decode(text, end);
    if (before.code_point < 0x80 && c.code_point < 0x80) {
      return before.code_point == '\r' && c.code_point == '\n' ? end + 1 : end;
    }
    const std::uint8_t flags_before = more_flags(before.code_point), flags_of = more_flags(c.code_point);
    if (((flags_before | flags_of) & kGraphemeControl) != 0) return end;
    const bool attaches = (flags_of & kAttaches) != 0;
    pictographic = (flags_before & kPictographic) != 0 || (pictographic && (flags_before & kAttaches) != 0);
    regional = is_regional(before.code_point) ? regional + 1 : 0;
    const bool joins = attaches || (flags_before & kPrepends) != 0 ||
                       jamo_join(jamo(before.code_point), jamo(c.code_point)) ||
                       (pictographic && before.code_point == 0x200D && (flags_of & kPictographic) != 0) ||
                       (regional % 2 == 1 && is_regional(c.code_point));
    if (!joins) return end;
    before = c;
    end += c.bytes;
  }
  return end;
}

Mapping lower(char32_t code_point) { return from_pool(look_up(kLowerStage1, kLowerStage2, code_point), code_point); }

bool is_in_chinese_ranges(char32_t code_point) {
  return std::any_of(kChinese.begin(), kChinese.end(),
                     [&](Range range) { return code_point >= range.first && code_point <= range.last; });
}

}  // namespace filbert::unicode
