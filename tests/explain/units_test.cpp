#include "explain/units.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace filbert {
namespace {

using Words = std::vector<std::string>;

Words slices(std::string_view text, const std::vector<Span>& spans) {
  Words words;
  std::size_t end = 0;
  for (const Span& span : spans) {
    EXPECT_GE(span.begin, end) << text;
    EXPECT_LT(span.begin, span.end) << text;
    end = span.end;
    words.emplace_back(text.substr(span.begin, span.end - span.begin));
  }
  EXPECT_LE(end, text.size());
  return words;
}
Words words(std::string_view text, const std::vector<Span>& tokens = {}) { return slices(text, word_spans(text, tokens)); }

TEST(WordSpans, AreWordsAndRunsOfASymbol) {
  EXPECT_EQ(words("I don't like it -- at all!!! (really) e.g. 3.14"),
            (Words{"I", "don't", "like", "it", "--", "at", "all", "!!!", "(", "really", ")", "e", ".", "g", ".", "3.14"}));
  EXPECT_EQ(words("wait?! l’été snake_case 1,000 ends. 'quoted'"),
            (Words{"wait", "?", "!", "l’été", "snake_case", "1,000", "ends", ".", "'", "quoted", "'"}));
}

TEST(WordSpans, AnEmojiIsAUnitWithAllItIsMadeOf) {
  EXPECT_EQ(words("so 👍🏽👍🏽 good 👨‍👩‍👧 🇫🇷🇩🇪❤️"), (Words{"so", "👍🏽", "👍🏽", "good", "👨‍👩‍👧", "🇫🇷", "🇩🇪", "❤️"}));
}

TEST(WordSpans, MarksBelongToTheirWord) {
  EXPECT_EQ(words("हिन्दी में e\u0301te\u0301 العَرَبِيَّة"), (Words{"हिन्दी", "में", "e\u0301te\u0301", "العَرَبِيَّة"}));
}

TEST(WordSpans, IdeographsStandAloneAndUnspacedScriptsAreCutAsTokens) {
  EXPECT_EQ(words("我爱 Python书"), (Words{"我", "爱", "Python", "书"}));
  EXPECT_EQ(words("とても好き"), (Words{"とても", "好", "き"}));
  EXPECT_EQ(words("とても好き", {{0, 3}, {3, 9}}), (Words{"と", "ても", "好", "き"}));
  // A token that ends within a grapheme cuts nothing.
  EXPECT_EQ(words("ที่ดี", {{0, 3}, {3, 9}, {9, 15}}), (Words{"ที่", "ดี"}));
  EXPECT_EQ(words("한국어 좋아요"), (Words{"한국어", "좋아요"}));
}

TEST(WordSpans, WhatCannotBeSeenIsInNoUnit) {
  EXPECT_EQ(words(std::string_view("a\0b\x01 \u202Ec\u202C \u200B", 15)), (Words{"a", "b", "c"}));
  EXPECT_EQ(words(""), Words{});
  EXPECT_EQ(words(" \t\n\u3000"), Words{});
}

TEST(TokenSpans, ThoseThatShareACharacterAreOne) {
  EXPECT_EQ(slices("a 🦜 b", token_spans("a 🦜 b", std::vector<Span>{{0, 1}, {1, 6}, {2, 6}, {6, 8}})), (Words{"a", "🦜", "b"}));
}

TEST(SentenceSpans, EndAtMarksAndLines) {
  const auto sentences = [](std::string_view text) { return slices(text, sentence_spans(text)); };
  EXPECT_EQ(sentences("It rained. \"Why?\" she said... and left!  No. 5 e.g. this one\nNew line"),
            (Words{"It rained.", "\"Why?\"", "she said... and left!", "No.", "5 e.g. this one", "New line"}));
  EXPECT_EQ(sentences("好きです。ありがとう！終わり"), (Words{"好きです。", "ありがとう！", "終わり"}));
  EXPECT_EQ(sentences("3.14 is pi"), (Words{"3.14 is pi"}));
  EXPECT_EQ(sentences("  "), Words{});
}

TEST(SpansBetween, AreWhatTheExpressionLeaves) {
  const Regex commas(R"(\s*,\s*)", RegexSyntax::python, "test");
  EXPECT_EQ(slices(" one , two,three,, ", spans_between(" one , two,three,, ", commas)), (Words{"one", "two", "three"}));
  const Regex nothing("x*", RegexSyntax::python, "test");
  EXPECT_EQ(slices("axxb", spans_between("axxb", nothing)), (Words{"a", "b"}));
}

}  // namespace
}  // namespace filbert
