#include "tokenize/short_string.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tokenize/short_string_table.h"

namespace filbert {
namespace {

TEST(ShortString, IsTheSameWhateverStandsAroundIt) {
  const std::string letters = "abcdefghijklmno", around = "0123456789ABCDEF";
  for (std::size_t bytes = 0; bytes <= ShortString::kMaxBytes; ++bytes) {
    const std::string text = letters.substr(0, bytes);
    const ShortString alone(text);
    EXPECT_EQ(alone.size(), bytes);
    EXPECT_TRUE(ShortString(around + text + around, 16, 16 + bytes) == alone);
    EXPECT_TRUE(ShortString(around + text, 16, 16 + bytes) == alone);
    EXPECT_TRUE(ShortString(letters).first(bytes) == alone);
    EXPECT_EQ(ShortString(letters) == alone, bytes == ShortString::kMaxBytes);
  }
}

TEST(ShortString, LengthCounts) {
  using std::string_view_literals::operator""sv;
  EXPECT_FALSE(ShortString("a"sv) == ShortString("a\0"sv));
  EXPECT_FALSE(ShortString(""sv) == ShortString("\0"sv));
}

TEST(ShortString, WithIsOneAfterTheOther) {
  const std::string letters = "abcdefghijklmno";
  for (std::size_t all = 0; all <= letters.size(); ++all) {
    for (std::size_t first = 0; first <= all; ++first) {
      EXPECT_TRUE(ShortString(letters, 0, first).with({letters, first, all}) == ShortString(letters, 0, all)) << first << ' ' << all;
    }
  }
}

TEST(ShortString, LoweredChangesAsciiLettersAlone) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::size_t place : {0, 6, 7, 8, 14}) {
      std::string text(15, 'q');
      text[place] = static_cast<char>(byte);
      std::string expected = text;
      if (byte >= 'A' && byte <= 'Z') expected[place] = static_cast<char>(byte + 32);
      EXPECT_TRUE(ShortString(text).lowered() == ShortString(expected)) << byte;
    }
  }
}

TEST(ShortStringTable, FindsWhatWasPutAndNothingElse) {
  ShortStringTable table;
  EXPECT_EQ(table.find(ShortString("x")), nullptr);
  table.reset(1000);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(table.put(ShortString(std::to_string(i)), i));
  EXPECT_FALSE(table.put(ShortString("7"), 70));
  for (int i = 0; i < 1000; ++i) {
    const std::int32_t* found = table.find(ShortString(std::to_string(i)));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(*found, i == 7 ? 70 : i);
  }
  for (int i = 1000; i < 3000; ++i) EXPECT_EQ(table.find(ShortString(std::to_string(i))), nullptr);
}

}  // namespace
}  // namespace filbert
