#include "tokenize/truncation.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Ids;
using reference::message_of;
using Lengths = std::pair<std::size_t, std::size_t>;

Lengths kept(std::size_t first, std::optional<std::size_t> second, Truncation truncation, std::size_t max_length,
             std::size_t added = 0) {
  const KeptTokens result = truncated_lengths(first, second, truncation, max_length, added);
  return {result.first, result.second};
}

TEST(Truncation, WhatFitsStays) {
  for (const Truncation truncation : {Truncation::longest_first, Truncation::only_first, Truncation::only_second}) {
    EXPECT_EQ(kept(4, 3, truncation, 10, 3), Lengths(4, 3));
    EXPECT_EQ(kept(4, std::nullopt, truncation, 6, 2), Lengths(4, 0));
  }
  EXPECT_EQ(kept(100, 100, Truncation::do_not_truncate, 10, 3), Lengths(100, 100));
}

TEST(Truncation, LongestFirstCutsTheLongerThenBoth) {
  EXPECT_EQ(kept(20, std::nullopt, Truncation::longest_first, 10, 2), Lengths(8, 0));
  EXPECT_EQ(kept(20, 3, Truncation::longest_first, 10), Lengths(7, 3));
  EXPECT_EQ(kept(3, 20, Truncation::longest_first, 10), Lengths(3, 7));
  EXPECT_EQ(kept(20, 30, Truncation::longest_first, 10), Lengths(5, 5));
}

TEST(Truncation, TheOddTokenGoesToTheLongerAndOfEqualOnesToTheSecond) {
  // Values of tokenizers 0.23.3.
  EXPECT_EQ(kept(20, 10, Truncation::longest_first, 5), Lengths(3, 2));
  EXPECT_EQ(kept(10, 20, Truncation::longest_first, 5), Lengths(2, 3));
  EXPECT_EQ(kept(5, 5, Truncation::longest_first, 5), Lengths(2, 3));
  EXPECT_EQ(kept(6, 5, Truncation::longest_first, 5), Lengths(3, 2));
}

TEST(Truncation, OnlyFirstAndOnlySecondCutOneText) {
  EXPECT_EQ(kept(20, 3, Truncation::only_first, 10, 3), Lengths(4, 3));
  EXPECT_EQ(kept(3, 20, Truncation::only_second, 10, 3), Lengths(3, 4));
}

TEST(Truncation, ATextTooShortToGiveWayIsAnError) {
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [] { kept(20, 7, Truncation::only_first, 10, 3); }),
            "truncation: only_first expects the other text to leave room within 7 tokens, found 7 tokens in it");
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [] { kept(20, std::nullopt, Truncation::only_second, 10, 2); }),
            "truncation: only_second expects a pair, found one text");
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [] { kept(2, std::nullopt, Truncation::longest_first, 1, 2); }),
            "max_length: expected at least the 2 special tokens, found 1");
}

TEST(Truncation, ARoomOfNothingLeavesTheSpecialTokens) {
  const BatchEncoding row =
      reference::small_tokenizer()("the the", "a", {.truncation = Truncation::only_first, .max_length = 3});
  EXPECT_EQ(row.input_ids, (Ids{2, 3, 3}));
}

TEST(Truncation, ARowSaysWhatItLost) {
  const Tokenizer tokenizer = reference::small_tokenizer();
  const BatchEncoding cut = tokenizer("the the a b", {.truncation = Truncation::longest_first, .max_length = 4});
  EXPECT_EQ(cut.input_ids, (Ids{2, 5, 5, 3}));
  EXPECT_EQ(cut.rows[0].tokens_total, 6u);
  EXPECT_TRUE(cut.rows[0].truncated);
  const BatchEncoding whole = tokenizer("the the a b", {.truncation = Truncation::longest_first, .max_length = 6});
  EXPECT_EQ(whole.rows[0].tokens_total, 6u);
  EXPECT_FALSE(whole.rows[0].truncated);
}

TEST(Truncation, WithoutMaxLengthTheTokenizersOwnIsTaken) {
  const EncodeOptions options{.truncation = Truncation::longest_first};
  EXPECT_EQ(reference::small_tokenizer(R"({"model_max_length":3})")("the a b", options).input_ids, (Ids{2, 5, 3}));
  EXPECT_EQ(reference::small_tokenizer()("the a b", options).input_ids, (Ids{2, 5, 15, 18, 3}));
}

TEST(Truncation, TheLeftSideIsCutWhereTheConfigSaysSo) {
  const Tokenizer tokenizer = reference::small_tokenizer(R"({"truncation_side":"left"})");
  const BatchEncoding row = tokenizer("the a b", {.truncation = Truncation::longest_first, .max_length = 4});
  EXPECT_EQ(row.input_ids, (Ids{2, 15, 18, 3}));
  EXPECT_EQ(row.offset_mapping[1], (Offset{4, 5}));
}

TEST(Truncation, NamesAreThoseOfTransformers) {
  EXPECT_EQ(truncation_from_name("only_second"), Truncation::only_second);
  EXPECT_EQ(offset_unit_from_name("utf16"), OffsetUnit::utf16);
  EXPECT_EQ(message_of(ErrorKind::invalid_argument, [] { truncation_from_name("both"); }),
            "truncation: expected one of do_not_truncate, longest_first, only_first, only_second, found \"both\"");
}

}  // namespace
}  // namespace filbert
