#include "tokenize/wordpiece.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;

WordPiece make(std::string lines, std::size_t max_chars = 100, std::string prefix = "##") {
  WordPiece model;
  model.vocab = Vocab::from_lines(std::move(lines), "vocab.txt");
  model.max_input_chars_per_word = max_chars;
  model.continuing_subword_prefix = std::move(prefix);
  model.finish("vocab.txt");
  return model;
}

Ids ids(const WordPiece& model, std::string_view word) {
  std::vector<WordPiece::Piece> pieces;
  model.tokenize(word, 0, word.size(), pieces);
  Ids result;
  std::size_t end = 0;
  for (const WordPiece::Piece& piece : pieces) {
    EXPECT_EQ(piece.begin, end);
    end = piece.end;
    result.push_back(piece.id);
  }
  EXPECT_EQ(end, word.size());
  return result;
}

TEST(WordPiece, TakesTheLongestPieceFromLeftToRight) {
  const WordPiece model = make("[UNK]\nun\nunab\n##able\n##le\n##l\n##e\n");
  EXPECT_EQ(ids(model, "un"), (Ids{1}));
  EXPECT_EQ(ids(model, "unable"), (Ids{2, 4}));
}

TEST(WordPiece, WordWithoutACutBecomesUnk) {
  const WordPiece model = make("[UNK]\nun\n##able\nx\n");
  EXPECT_EQ(ids(model, "unablex"), (Ids{0}));  // "x" is known, "##x" is not
  EXPECT_EQ(ids(model, "able"), (Ids{0}));
}

TEST(WordPiece, LongWordsAreUnknownByCharactersNotBytes) {
  const WordPiece model = make("[UNK]\né\n##é\n", 3);
  EXPECT_EQ(ids(model, "ééé"), (Ids{1, 2, 2}));
  EXPECT_EQ(ids(model, "éééé"), (Ids{0}));
}

TEST(WordPiece, NeverCutsInsideACharacter) {
  // The first bytes of é are no entry, and the second cannot begin one: vocabularies are UTF-8.
  const WordPiece model = make("[UNK]\na\n##é\n##éb\n");
  EXPECT_EQ(ids(model, "aéb"), (Ids{1, 3}));
  EXPECT_EQ(ids(model, "aèb"), (Ids{0}));
}

TEST(WordPiece, ThePrefixMayBeEmptyOrAnother) {
  EXPECT_EQ(ids(make("[UNK]\na\nb\n", 100, ""), "aba"), (Ids{1, 2, 1}));
  EXPECT_EQ(ids(make("[UNK]\na\n@@b\n", 100, "@@"), "ab"), (Ids{1, 2}));
}

TEST(WordPiece, AMegabyteWordWithinTheLimitIsLinear) {
  const WordPiece model = make("[UNK]\na\n##a\n##aaaaaaaa\n", 2'000'000);
  EXPECT_EQ(ids(model, std::string(1'000'001, 'a')).size(), 125'001u);
}

TEST(WordPiece, VocabularyWithoutUnkIsCorrupt) {
  EXPECT_EQ(message_of(ErrorKind::corrupt, [] { make("a\nb\n"); }),
            "vocab.txt: expected the unknown token \"[UNK]\" in the vocabulary, found 2 tokens without it");
}

}  // namespace
}  // namespace filbert
