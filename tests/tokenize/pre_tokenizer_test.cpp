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

using Pieces = std::vector<std::string>;

TEST(PreTokenizer, SpaceSeparatesAndPunctuationStandsAlone) {
  EXPECT_EQ(words(" Hey,  you!? "), (Pieces{"Hey", ",", "you", "!", "?"}));
  EXPECT_EQ(words("a-b_c"), (Pieces{"a", "-", "b", "_", "c"}));
  EXPECT_EQ(words("«oui»"), (Pieces{"«", "oui", "»"}));
  EXPECT_EQ(words(""), Pieces{});
  EXPECT_EQ(words("  "), Pieces{});
}

TEST(PreTokenizer, UnicodeSpaceSeparates) {
  EXPECT_EQ(words("a\xC2\xA0"
                  "b\xE3\x80\x80"
                  "c"),
            (Pieces{"a", "b", "c"}));
}

TEST(PreTokenizer, SymbolsOutsideAsciiAreNotCutOff) { EXPECT_EQ(words("5€ $5"), (Pieces{"5€", "$", "5"})); }

TEST(PreTokenizer, WithoutOneATextIsOneWord) {
  EXPECT_EQ(words("a b, c", PreTokenizer::none), (Pieces{"a b, c"}));
  EXPECT_EQ(words("", PreTokenizer::none), Pieces{});
}

}  // namespace
}  // namespace filbert
