#include "tokenize/vocab.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::message_of;

TEST(Vocab, LineNumberIsId) {
  const Vocab vocab = Vocab::from_lines("a\nbb\n##c\n", "vocab.txt");
  EXPECT_EQ(vocab.size(), 3u);
  EXPECT_EQ(vocab.find("bb"), 1);
  EXPECT_EQ(vocab.find("##c"), 2);
  EXPECT_EQ(vocab.find("b"), std::nullopt);
  EXPECT_EQ(vocab.find(""), std::nullopt);
  EXPECT_EQ(vocab.token(2), "##c");
  EXPECT_EQ(vocab.max_token_bytes(), 3u);
}

TEST(Vocab, EveryLineEndOfPythonEndsALineAndABlankLineTakesAnId) {
  const Vocab vocab = Vocab::from_lines("a\r\nb\rc\n\nd", "vocab.txt");
  EXPECT_EQ(vocab.size(), 5u);
  EXPECT_EQ(vocab.find("b"), 1);
  EXPECT_EQ(vocab.find("c"), 2);
  EXPECT_EQ(vocab.find("d"), 4);
  EXPECT_EQ(vocab.find(""), 3);
}

TEST(Vocab, OfEqualLinesTheLastCounts) {
  const Vocab vocab = Vocab::from_lines("a\nb\na\n", "vocab.txt");
  EXPECT_EQ(vocab.find("a"), 2);
  EXPECT_EQ(vocab.duplicates(), 1u);
  EXPECT_EQ(vocab.token(0), "a");
}

TEST(Vocab, FindsTheLongestBeginning) {
  const Vocab vocab = Vocab::from_lines(
      "un\n##able\n##ab\n##abominable snowmen\n##abominable snow\n##abominable snow\n", "vocab.txt");
  const std::string_view text = "unables abominable snowman";
  EXPECT_EQ(vocab.duplicates(), 1u);
  EXPECT_EQ(vocab.longest("", text, 0, 7).id, 0);
  EXPECT_EQ(vocab.longest("##", text, 2, 7).id, 1);
  EXPECT_EQ(vocab.longest("##", text, 2, 5).id, 2);  // "abl"
  EXPECT_EQ(vocab.longest("#", text, 2, 7).id, -1);
  EXPECT_EQ(vocab.longest("##", text, 8, text.size()).id, 5);
  EXPECT_EQ(vocab.longest("##", text, 8, text.size()).bytes, 15u);
  EXPECT_EQ(vocab.longest("##", text, 8, 22).id, 2);
  EXPECT_EQ(vocab.longest("##abominable sn", "owmen", 0, 5).id, 3);  // a prefix of any length
  EXPECT_EQ(vocab.find("##abominable snow"), 5);
  EXPECT_EQ(vocab.find("##abominable"), std::nullopt);
}

TEST(Vocab, IdsOfTheirOwnMayComeInAnyOrderAndLeaveGaps) {
  const Vocab vocab = Vocab::from_entries({{"b", 3}, {"a", 0}}, "model.vocab");
  EXPECT_EQ(vocab.size(), 4u);
  EXPECT_EQ(vocab.gaps(), 2u);
  EXPECT_EQ(vocab.find("b"), 3);
  EXPECT_EQ(vocab.token(1), "");
  EXPECT_EQ(vocab.find(""), std::nullopt);
}

TEST(Vocab, BrokenOnesAreNamed) {
  EXPECT_EQ(message_of(ErrorKind::corrupt, [] { Vocab::from_lines("", "dir/vocab.txt"); }),
            "dir/vocab.txt: expected a token a line, found an empty file");
  EXPECT_EQ(message_of(ErrorKind::corrupt, [] { Vocab::from_lines("a\nb\xFF\n", "vocab.txt"); }),
            "vocab.txt: line 2: expected UTF-8, found byte 0xff");
  EXPECT_EQ(message_of(ErrorKind::corrupt, [] { Vocab::from_entries({}, "v"); }), "v: expected tokens, found none");
  EXPECT_EQ(message_of(ErrorKind::corrupt,
                       [] {
                         Vocab::from_entries({{"a", 1}, {"b", 1}}, "v");
                       }),
            "v: expected each id once, found 1 for \"a\" and \"b\"");
  for (const std::int64_t id : {std::int64_t{-1}, std::int64_t{1} << 40}) {
    EXPECT_NE(message_of(ErrorKind::corrupt,
                         [&] {
                           Vocab::from_entries({{"a", id}}, "v");
                         })
                  .find("v: token \"a\": expected an id"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace filbert
