#include "evaluate/scripts.h"

#include <gtest/gtest.h>

namespace filbert {
namespace {

TEST(Scripts, ALetterHasTheScriptThatUnicodeSays) {
  const struct {
    char32_t letter;
    const char* script;
  } kLetters[] = {{U'a', "Latin"},     {U'ß', "Latin"},  {U'я', "Cyrillic"},   {U'ω', "Greek"},    {U'א', "Hebrew"},          {U'ع', "Arabic"},
                  {U'म', "Devanagari"}, {U'ไ', "Thai"},   {U'漢', "Han"},       {U'ひ', "Hiragana"}, {U'カ', "Katakana"},        {U'한', "Hangul"},
                  {U'Ა', "Georgian"},  {U'Ꭰ', "Cherokee"}, {0x10330, "Gothic"}, {0x20000, "Han"},  {0x1E900, "Adlam"},        {0x10A80, "Old North Arabian"}};
  for (const auto& [letter, script] : kLetters) EXPECT_EQ(script_name(script_of(letter)), script) << static_cast<std::uint32_t>(letter);
}

TEST(Scripts, WhatIsNoLetterOfOneScriptHasNone) {
  for (const char32_t c : {U' ', U'1', U'.', U'\0', char32_t{0x1F600}, char32_t{0x301}, char32_t{0x30FC}, char32_t{0x10FFFF}, char32_t{0xE000}}) {
    EXPECT_EQ(script_of(c), 0U) << static_cast<std::uint32_t>(c);
  }
  EXPECT_EQ(script_name(0), "");
}

TEST(Scripts, EveryCodePointIsInTheTable) {
  std::size_t letters = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const std::size_t script = script_of(c);
    ASSERT_LT(script, kMostScripts);
    ASSERT_EQ(script != 0, !script_name(script).empty());
    letters += script != 0;
  }
  EXPECT_EQ(letters, 130717U);  // as the table says of itself
}

TEST(Scripts, ScriptsOfOneLanguageAreAGroup) {
  EXPECT_EQ(script_group(script_of(U'ひ')), script_group(script_of(U'漢')));
  EXPECT_EQ(script_group(script_of(U'한')), script_of(U'漢'));
  EXPECT_NE(script_group(script_of(U'a')), script_group(script_of(U'я')));
}

}  // namespace
}  // namespace filbert
