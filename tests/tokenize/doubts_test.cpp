#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using Doubts = std::vector<std::string>;

std::string vocab_of(std::size_t count, std::string_view word) {
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (std::size_t i = 0; i < count; ++i) vocab += std::string(word) + std::to_string(i) + "\n";
  return vocab;
}

TEST(Doubts, NoneWhereAllIsWell) {
  EXPECT_EQ(load_wordpiece_vocab(vocab_of(200, "word"), R"({"model_max_length":512})", "vocab.txt").doubts(), Doubts{});
  EXPECT_EQ(
      load_wordpiece_vocab(vocab_of(200, "Word"), R"({"model_max_length":512,"do_lower_case":false})", "vocab.txt")
          .doubts(),
      Doubts{});
}

TEST(Doubts, CasedVocabularyWithLowerCasing) {
  EXPECT_EQ(load_wordpiece_vocab(vocab_of(200, "Word"), R"({"model_max_length":512})", "vocab.txt").doubts(),
            (Doubts{"the vocabulary is cased (200 of 200 entries have an upper-case letter) but text is lower-cased: "
                    "do_lower_case should probably be false"}));
}

TEST(Doubts, LowerCasedVocabularyWithoutLowerCasing) {
  EXPECT_EQ(
      load_wordpiece_vocab(vocab_of(200, "word"), R"({"model_max_length":512,"do_lower_case":false})", "vocab.txt")
          .doubts(),
      (Doubts{"the vocabulary is lower-cased (0 of 200 entries have an upper-case letter) but text is not: "
              "do_lower_case should probably be true"}));
}

TEST(Doubts, NoMaximumLengthRepeatedLinesAndMissingSpecialTokens) {
  EXPECT_EQ(load_wordpiece_vocab("[UNK]\n[CLS]\n[SEP]\na\na\n", {}, "vocab.txt").doubts(),
            (Doubts{"\"[PAD]\" is not in the vocabulary and gets id 5, past its end",
                    "\"[MASK]\" is not in the vocabulary and gets id 6, past its end",
                    "no maximum length: tokenizer_config.json has no model_max_length, or says 1e30",
                    "1 lines of the vocabulary are repeated; the last of equal lines counts"}));
}

TEST(Doubts, AnAddedTokenWithAnotherIdThanWritten) {
  reference::SmallJson json;
  json.added_tokens = R"([{"id":50,"content":"<x>","normalized":false}])";
  EXPECT_EQ(json.load(R"({"model_max_length":9})").doubts(),
            (Doubts{"added token \"<x>\" is written with id 50, and gets 19 as in tokenizers"}));
}

}  // namespace
}  // namespace filbert
