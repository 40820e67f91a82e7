#include "tokenize/pre_tokenizer.h"

#include <gtest/gtest.h>

namespace filbert {
namespace {

std::vector<std::string> words(std::string_view text, PreTokenizer pre_tokenizer = PreTokenizer::bert) {
  std::vector<Word> found;
  pre_tokenize(pre_tokenizer, text, 0, text.size(), found);
  std::vector<std::string> result;
  for (const Word& word : found) result.emplace_back(text.substr(word.begin, word.end - word.begin));
  return result;
}

using Words = std::vector<std::string>;

TEST(PreTokenizer, SpaceSeparatesAndPunctuationStandsAlone) {
  EXPECT_EQ(words(" Hey,  you!? "), (Words{"Hey", ",", "you", "!", "?"}));
  EXPECT_EQ(words("a-b_c"), (Words{"a", "-", "b", "_", "c"}));
  EXPECT_EQ(words("«oui»"), (Words{"«", "oui", "»"}));
  EXPECT_EQ(words(""), Words{});
  EXPECT_EQ(words("  "), Words{});
}

TEST(PreTokenizer, UnicodeSpaceSeparates) {
  EXPECT_EQ(words("a\xC2\xA0"
                  "b\xE3\x80\x80"
                  "c"),
            (Words{"a", "b", "c"}));
}

TEST(PreTokenizer, SymbolsOutsideAsciiAreNotCutOff) { EXPECT_EQ(words("5€ $5"), (Words{"5€", "$", "5"})); }

TEST(PreTokenizer, WithoutOneATextIsOneWord) {
  EXPECT_EQ(words("a b, c", PreTokenizer::none), (Words{"a b, c"}));
  EXPECT_EQ(words("", PreTokenizer::none), Words{});
}

}  // namespace
}  // namespace filbert
