#include "tokenize/normalizer.h"

#include <gtest/gtest.h>

namespace filbert {
namespace {

std::string normalize(std::string_view text, const BertNormalizer& rules = {}) {
  NormalizedText out;
  rules.normalize(text, 0, text.size(), out);
  return out.text;
}

// The source of the piece of `text`'s normalized form that is `piece`.
std::string_view source_of(std::string_view piece, std::string_view text, const BertNormalizer& rules = {}) {
  NormalizedText out;
  rules.normalize(text, 0, text.size(), out);
  const std::size_t begin = out.text.find(piece);
  if (begin == std::string::npos) return "not found";
  const auto range = out.original(begin, begin + piece.size());
  return text.substr(range.begin, range.end - range.begin);
}

TEST(Normalizer, CleansLowersAndStrips) {
  EXPECT_EQ(normalize("Ça VA,\tÉTÉ!"), "ca va, ete!");
  EXPECT_EQ(normalize(std::string_view("a\0b\x01\x7F"
                                       "c",
                                       6)),
            "abc");
  EXPECT_EQ(normalize("a\xC2\xA0"
                      "b\xE3\x80\x80"
                      "c\r\nd"),
            "a b c  d");
  EXPECT_EQ(normalize(""), "");
  EXPECT_EQ(normalize("\xEF\xBF\xBD"), "");
}

TEST(Normalizer, ChineseCharactersGetSpaces) {
  EXPECT_EQ(normalize("a中文b"), "a 中  文 b");
  EXPECT_EQ(normalize("a中文b", {.handle_chinese_chars = false}), "a中文b");
  EXPECT_EQ(normalize("\xEF\xA4\x80"), " \xE8\xB1\x88 ");  // U+F900 decomposes to U+8C48
}

TEST(Normalizer, StripAccentsAloneAndLowerCasingAlone) {
  EXPECT_EQ(normalize("ÉTÉ", {.strip_accents = true, .lowercase = false}), "ETE");
  EXPECT_EQ(normalize("ÉTÉ", {.strip_accents = false, .lowercase = true}), "été");
  EXPECT_EQ(normalize("ÉTÉ", {.lowercase = false}), "ÉTÉ");
  EXPECT_EQ(normalize("İ"), "i");
  EXPECT_EQ(normalize("İ", {.strip_accents = false}), "i\xCC\x87");
}

TEST(Normalizer, HangulIsTakenApartOnlyWhereAccentsAreStripped) {
  EXPECT_EQ(normalize("각"), "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8");
  EXPECT_EQ(normalize("각", {.lowercase = false}), "각");
}

TEST(Normalizer, MarksThatStayAreSortedByClass) {
  // U+1D16D (class 226, a spacing mark) stays; U+0301 (230) and U+0323 (220) go.
  EXPECT_EQ(normalize("a\xCC\x81\xF0\x9D\x85\xAD\xCC\xA3"), "a\xF0\x9D\x85\xAD");
  // Two that stay, of classes 226 and 224, change places.
  EXPECT_EQ(normalize("a\xF0\x9D\x85\xAD\xE3\x80\xAE"), "a\xE3\x80\xAE\xF0\x9D\x85\xAD");
}

TEST(Normalizer, AMarkThatStaysIsNotChangedWithTheAsciiBehindIt) {
  // U+08D4 is of class 230 and, by the package's Unicode, no nonspacing mark.
  EXPECT_EQ(normalize("a\xE0\xA3\x94 B"), "a\xE0\xA3\x94 b");
  EXPECT_EQ(normalize("\xE0\xA3\x94\xE0\xA3\x94" "B", {.lowercase = false}), "\xE0\xA3\x94\xE0\xA3\x94" "B");
}

TEST(Normalizer, NulStaysWhereNothingIsCleaned) {
  EXPECT_EQ(normalize(std::string_view("A\0\tB", 4), {.clean_text = false}), std::string("a\0\tb", 4));
}

TEST(Normalizer, SourceOfAPieceIsWhatItWasMadeOf) {
  EXPECT_EQ(source_of("ete", "un ÉTÉ chaud"), "ÉTÉ");
  EXPECT_EQ(source_of("chaud", "un ÉTÉ chaud"), "chaud");
  EXPECT_EQ(source_of("中", "一中文"), "中");
  EXPECT_EQ(source_of("e", "e\xCC\x81t"), "e");  // a separate accent is not part of the piece
  EXPECT_EQ(source_of("et", "e\xCC\x81t"), "e\xCC\x81t");
  EXPECT_EQ(source_of("ab",
                      "a\xE2\x80\x8B"
                      "b"),
            "a\xE2\x80\x8B"
            "b");  // what was removed between is
  EXPECT_EQ(source_of("\xE1\x85\xA1", "각"), "각");
  EXPECT_EQ(source_of("жук", "ЖУК"), "ЖУК");  // lowered in place
}

TEST(Normalizer, MarksShareThePlacesInTheOrderOfTheText) {
  // As in tokenizers: the n-th place goes to the n-th character after sorting, wherever it was.
  EXPECT_EQ(source_of("\xE3\x80\xAE", "a\xF0\x9D\x85\xAD\xE3\x80\xAE"), "\xF0\x9D\x85\xAD");
}

TEST(Normalizer, ARemovedCharacterDoesNotEndARunOfMarks) {
  using std::string_view_literals::operator""sv;
  const BertNormalizer rules;
  NormalizedText with, without;
  const std::string_view text = "5\xF0\x9D\x85\xAD\xCD\x84\0\xE0\xBD\xB5"sv,
                         same = "5\xF0\x9D\x85\xAD\xCD\x84\xE0\xBD\xB5"sv;
  rules.normalize(text, 0, text.size(), with);
  rules.normalize(same, 0, same.size(), without);
  EXPECT_EQ(with.text, without.text);
  EXPECT_EQ(with.original(0, with.text.size()).end, without.original(0, without.text.size()).end);
}

TEST(Normalizer, APartOfATextKeepsThePlacesOfTheWhole) {
  NormalizedText out;
  BertNormalizer().normalize("xx ÉA", 3, 6, out);
  EXPECT_EQ(out.text, "ea");
  EXPECT_EQ(out.original(1, 2).begin, 5u);
}

}  // namespace
}  // namespace filbert
