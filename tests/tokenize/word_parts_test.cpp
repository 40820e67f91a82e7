// Which tokens go on with a word: by the length of "##son" where the vocabulary marks it, else by the spaces around.
#include "tokenize/word_parts.h"

#include <string>

#include <gtest/gtest.h>

#include "reference/goldens.h"
#include "reference/tiny_checkpoint.h"
#include "tokenize/load.h"

namespace filbert {
namespace {

std::string parts_of(const Tokenizer& tokenizer, std::string_view text) {
  const WordParts word_parts(tokenizer);
  const BatchEncoding inputs = tokenizer(text, {.add_special_tokens = false, .offset_unit = OffsetUnit::bytes});
  std::string all;
  for (std::size_t token = 0; token < inputs.total_tokens(); ++token) {
    const WordParts::Part part = word_parts(inputs.input_ids[token], text, inputs.offset_mapping[token]);
    all += part.is_subword ? "+" : " ";
    all += part.word;
  }
  return all;
}

TEST(WordParts, OfWordPieceMarksStandAlone) {
  const Tokenizer tokenizer = load_wordpiece_vocab("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nnew\n##er\n,\nél\nel\n", {}, "vocab.txt");
  EXPECT_EQ(parts_of(tokenizer, "newer, new"), " new+##er , new");
  EXPECT_EQ(parts_of(tokenizer, "new xyz"), " new xyz");      // what stands there, where the vocabulary has no word for it
  EXPECT_EQ(parts_of(tokenizer, "Él"), " el");                // one code point for one, whatever bytes they take
  EXPECT_EQ(parts_of(tokenizer, "E\xcc\x81l"), "+el");        // two for one: transformers takes it for a part of a word
}

TEST(WordParts, OfOthersWhatNoSpaceParts) {
  const auto fixture = reference::source_directory() / "tests/data/families/roberta/token-shards";
  const std::string parts = parts_of(*load_tokenizer(fixture), "not, it");
  EXPECT_NE(parts.find("+,"), std::string::npos) << parts;
  EXPECT_EQ(parts.find(" ,"), std::string::npos) << parts;
}

}  // namespace
}  // namespace filbert
