#include "tokenize/unicode.h"

#include <gtest/gtest.h>

namespace filbert::unicode {
namespace {

std::u32string text(const Mapping& mapping) { return {mapping.code_points, mapping.size}; }

TEST(Unicode, LineEndsAndTabAreSpaceAndOtherControlsAreRemoved) {
  for (const char32_t c : {U'\t', U'\n', U'\r', U' ', U'\u00A0', U'\u3000', U'\u2028'}) {
    EXPECT_EQ(flags(c) & (kSpace | kRemoved), kSpace) << static_cast<unsigned>(c);
  }
  for (const char32_t c : {U'\0', U'\x01', U'\x7F', U'\u00AD', U'\u200B', U'\uFEFF', U'\uFFFD', U'\uE000'}) {
    EXPECT_EQ(flags(c) & (kSpace | kRemoved), kRemoved) << static_cast<unsigned>(c);
  }
  // Both White_Space and Cc: clean_text removes them, and without clean_text they separate words.
  for (const char32_t c : {U'\x0B', U'\x0C', U'\x85'}) EXPECT_EQ(flags(c) & (kSpace | kRemoved), kSpace | kRemoved);
}

TEST(Unicode, AsciiSymbolsArePunctuation) {
  for (const char32_t c : std::u32string_view(U"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")) {
    EXPECT_TRUE(flags(c) & kPunctuation) << static_cast<char>(c);
  }
  EXPECT_TRUE(flags(U'\u2014') & kPunctuation);
  EXPECT_FALSE(flags(U'\u20AC') & kPunctuation);  // the euro is a symbol outside ASCII
  EXPECT_FALSE(flags(U'a') & kPunctuation);
}

TEST(Unicode, CharactersOfRecentUnicodeHaveTheCategoryOfTheReference) {
  EXPECT_FALSE(flags(0x1E95E) & kPunctuation);  // Adlam question mark, newer than the reference's categories
  EXPECT_TRUE(flags(0x1E900) & kLowers);        // while its lower-casing knows Adlam
}

TEST(Unicode, DecompositionIsFullAndHangulIsComputed) {
  EXPECT_EQ(text(decompose(U'\u00E9')), U"e\u0301");
  EXPECT_EQ(text(decompose(U'\u1E69')), U"s\u0323\u0307");
  EXPECT_EQ(text(decompose(U'\uAC01')), U"\u1100\u1161\u11A8");
  EXPECT_EQ(text(decompose(U'\uAC00')), U"\u1100\u1161");
  EXPECT_EQ(text(decompose(U'\uD7A3')), U"\u1112\u1175\u11C2");
  EXPECT_EQ(text(decompose(U'a')), U"a");
  EXPECT_EQ(text(decompose(0x10FFFF)), std::u32string(1, 0x10FFFF));
}

TEST(Unicode, LowerCasingKnowsNoContext) {
  EXPECT_EQ(text(lower(U'\u0130')), U"i\u0307");
  EXPECT_EQ(text(lower(U'\u03A3')), U"\u03C3");
  EXPECT_EQ(text(lower(U'\u01C5')), U"\u01C6");
  EXPECT_EQ(text(lower(0x1E900)), std::u32string(1, 0x1E922));
}

TEST(Unicode, CombiningClassesSort) {
  EXPECT_EQ(combining_class(U'a'), 0);
  EXPECT_EQ(combining_class(U'\u0301'), 230);
  EXPECT_EQ(combining_class(U'\u0323'), 220);
  EXPECT_EQ(combining_class(U'\u0345'), 240);
}

TEST(Unicode, ChineseRangesHaveTheGapOfTheReference) {
  EXPECT_TRUE(is_chinese(U'中'));
  EXPECT_FALSE(is_chinese(U'あ'));
  EXPECT_FALSE(is_chinese(U'한'));
  EXPECT_FALSE(is_chinese(0x2B820));
  EXPECT_TRUE(is_chinese(0x2B920));
  EXPECT_TRUE(is_chinese(0x2FA1F));
  EXPECT_FALSE(is_chinese(0x2FA20));
}

TEST(Unicode, DecodingReadsBothWays) {
  const std::string_view text = "aé中😀";
  std::size_t at = 0;
  for (const char32_t expected : {U'a', U'é', U'中', U'😀'}) {
    const Char c = decode(text, at);
    EXPECT_EQ(c.code_point, expected);
    at += c.bytes;
    EXPECT_EQ(decode_before(text, at).code_point, expected);
    EXPECT_EQ(utf8_length(expected), c.bytes);
  }
  EXPECT_EQ(at, text.size());
}

}  // namespace
}  // namespace filbert::unicode
