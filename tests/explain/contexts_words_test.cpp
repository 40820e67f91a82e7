// Tokens as words of their text, and numbers in 16 bits.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/contexts_words.h"
#include "explain/contexts_writer.h"
#include "kernels/kernels.h"
#include "reference/expect_error.h"

namespace filbert {
namespace {

using namespace reference;

TEST(ContextsWords, ATokenIsNamedByWordOrNumber) {
  const std::string text = "Unbelievable love";
  const std::vector<ContextToken> tokens = {{"[CLS]", {0, 0}, true, 0}, {"un", {0, 2}, false, 1}, {"##believable", {2, 12}, false, 2},
                                            {"love", {13, 17}, false, 3}, {"[SEP]", {0, 0}, true, 4}};
  EXPECT_EQ(find_token(tokens, {text}, {{}, "love"}, "token"), 3U);
  EXPECT_EQ(find_token(tokens, {text}, {{}, "##believable"}, "token"), 2U);
  EXPECT_EQ(find_token(tokens, {text}, {2, {}}, "token"), 2U);
  expect_error(ErrorKind::invalid_argument, {"\"Unbelievable\" is 1 un, 2 ##believable"}, [&] { find_token(tokens, {text}, {{}, "Unbelievable"}, "token"); });
  // By a byte: the token that has it, or the next.
  for (const auto& [position, token] : {std::pair{0U, 1U}, {1U, 1U}, {2U, 2U}, {11U, 2U}, {12U, 3U}, {13U, 3U}, {16U, 3U}}) {
    EXPECT_EQ(find_token(tokens, {text}, {.index = {}, .position = position}, "token"), token) << position;
  }
  expect_error(ErrorKind::invalid_argument, {"token: expected a position before or in a token (1 un, 2 ##believable, 3 love), found byte 17"},
               [&] { find_token(tokens, {text}, {.index = {}, .position = 17}, "token"); });
  EXPECT_EQ(class_of(text, tokens, 1), TokenClass::subword);
  EXPECT_EQ(class_of(text, tokens, 2), TokenClass::subword);
  EXPECT_EQ(class_of(text, tokens, 3), TokenClass::word);
}

TEST(ContextsWords, AWordOfAPairStandsInEitherText) {
  const std::string text = "love me", text_pair = "hate me";
  const std::vector<ContextToken> tokens = {{"[CLS]", {0, 0}, true, 0, -1}, {"love", {0, 4}, false, 1, 0}, {"me", {5, 7}, false, 2, 0}, {"[SEP]", {0, 0}, true, 3, -1},
                                            {"hate", {0, 4}, false, 4, 1}, {"me", {5, 7}, false, 5, 1}, {"[SEP]", {0, 0}, true, 6, -1}};
  const TextInput pair{text, text_pair};
  EXPECT_EQ(find_token(tokens, pair, {{}, "love"}, "token"), 1U);
  EXPECT_EQ(find_token(tokens, pair, {{}, "hate"}, "token"), 4U);
  EXPECT_EQ(find_token(tokens, pair, {.index = {}, .position = 4, .sequence_id = 1}, "token"), 5U);
  EXPECT_EQ(find_token(tokens, pair, {.index = {}, .position = 0}, "token"), 1U);
  expect_error(ErrorKind::invalid_argument, {"\"me\" once", "2 me, 5 me"}, [&] { find_token(tokens, pair, {{}, "me"}, "token"); });
}

TEST(ContextsWriter, HalfPrecisionIsTheNearest) {
  const auto f16_to_f32 = [](std::uint16_t half) {
    float number = 0;
    scalar_table().convert_f16(&half, 1, &number);
    return number;
  };
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float number = f16_to_f32(half);
    ASSERT_EQ(f16_of(number), half);
    ASSERT_EQ(f16_of(-number), half | 0x8000);
    const float middle = (number + f16_to_f32(static_cast<std::uint16_t>(bits + 1))) / 2;
    if (bits + 1 < 0x7C00) {
      ASSERT_EQ(f16_of(middle), bits % 2 == 0 ? bits : bits + 1);
      ASSERT_EQ(f16_of(std::nextafter(middle, 0.0F)), bits);
      ASSERT_EQ(f16_of(std::nextafter(middle, 1e9F)), bits + 1);
    }
  }
  EXPECT_EQ(f16_of(1e9F), 0x7C00);
  EXPECT_EQ(f16_of(std::nanf("")), 0x7E00);
}

}  // namespace
}  // namespace filbert
