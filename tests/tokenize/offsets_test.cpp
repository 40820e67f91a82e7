#include "tokenize/offsets.h"

#include <gtest/gtest.h>

#include "tokenize/small_vocab.h"

namespace filbert {
namespace {

using reference::Offsets;

Offsets offsets(std::string_view text, OffsetUnit unit) {
  return reference::small_tokenizer()(text, {.add_special_tokens = false, .offset_unit = unit}).offset_mapping;
}

TEST(Offsets, SliceOfInputIsThePiece) {
  const std::string_view text = "The  UNABLES, café 中!";
  const BatchEncoding row =
      reference::small_tokenizer()(text, {.add_special_tokens = false, .offset_unit = OffsetUnit::bytes});
  std::vector<std::string> slices;
  for (const Offset& offset : row.offset_mapping)
    slices.emplace_back(text.substr(offset.begin, offset.end - offset.begin));
  EXPECT_EQ(slices, (std::vector<std::string>{"The", "UN", "ABLE", "S", ",", "café", "中", "!"}));
}

TEST(Offsets, AccentedWordKeepsItsEnd) {
  EXPECT_EQ(offsets("cafés", OffsetUnit::code_points), (Offsets{{0, 4}, {4, 5}}));
  EXPECT_EQ(offsets("cafe\xCC\x81s", OffsetUnit::code_points), (Offsets{{0, 4}, {5, 6}}));
}

TEST(Offsets, CountInTheUnitAskedFor) {
  const std::string_view text = "😀 é the";
  EXPECT_EQ(offsets(text, OffsetUnit::bytes), (Offsets{{0, 4}, {5, 7}, {8, 11}}));
  EXPECT_EQ(offsets(text, OffsetUnit::code_points), (Offsets{{0, 1}, {2, 3}, {4, 7}}));
  EXPECT_EQ(offsets(text, OffsetUnit::utf16), (Offsets{{0, 2}, {3, 4}, {5, 8}}));
}

TEST(Offsets, AnIllFormedSequenceIsOneCodePointOfTheOriginal) {
  const std::string_view text = "\xE4\xB8 the\xFF\xFF a";
  EXPECT_EQ(offsets(text, OffsetUnit::code_points), (Offsets{{2, 5}, {8, 9}}));
  EXPECT_EQ(offsets(text, OffsetUnit::utf16), (Offsets{{2, 5}, {8, 9}}));
  EXPECT_EQ(offsets(text, OffsetUnit::bytes), (Offsets{{3, 6}, {9, 10}}));
}

TEST(Offsets, MayStepBackToTheBeginOfTheLast) {
  std::vector<Offset> found = {{0, 3}, {0, 3}, {3, 5}};  // "각é": two pieces of one character
  convert_offsets("각é", OffsetUnit::code_points, found);
  EXPECT_EQ(found, (Offsets{{0, 1}, {0, 1}, {1, 2}}));
}

}  // namespace
}  // namespace filbert
