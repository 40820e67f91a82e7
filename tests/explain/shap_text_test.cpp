#include "explain/shap_text.h"

#include <gtest/gtest.h>

#include <filbert/error.h>

#include "explain/python_text.h"
#include "explain/toy_games.h"

namespace filbert {
namespace {

using Strings = std::vector<std::string>;

std::vector<std::uint8_t> bits(const std::string& text) {
  std::vector<std::uint8_t> values;
  for (const char each : text) values.push_back(each == '1');
  return values;
}

ShapTextOptions masker_options(const nlohmann::json& masker) {
  const KeptEnds kept = shap_kept_ends(masker["null_tokens"], false);
  EXPECT_EQ((std::vector<std::size_t>{kept.prefix, kept.suffix}), masker["keep"].get<std::vector<std::size_t>>());
  ShapTextOptions options = {.mask_token = masker["mask_token"], .collapse_mask_token = masker["collapse_mask_token"], .kept = kept};
  if (!masker["sep_token"].is_null()) {
    options.sep_token = masker["sep_token"];
    options.sep_token_id = masker["sep_token_id"];
  }
  return options;
}

TEST(ShapText, SegmentsAndMaskedTextsAreThoseOfShap) {
  const nlohmann::json goldens = reference::golden("shap_texts.json");
  for (const nlohmann::json& masker : goldens["maskers"]) {
    for (const nlohmann::json& each : masker["texts"]) {
      SCOPED_TRACE(masker["family"].get<std::string>() + ": " + each["text"].get<std::string>());
      const ShapText text = reference::shap_text(masker["family"], each["text"], masker_options(masker));
      EXPECT_EQ(text.segments(), each["segments"].get<Strings>());
      EXPECT_EQ(text.invariants(), bits(each["invariants"]));
      EXPECT_EQ(partition_tree(text.segments(), text.separator()).joins,
                reference::tree_of_merges(text.segments().size(), each["tree"].get<std::vector<std::size_t>>()).joins);
      for (const auto& [mask, masked] : each["masks"].items()) EXPECT_EQ(text.masked(bits(mask)), masked.get<std::string>()) << mask;
    }
  }
}

TEST(ShapText, SimpleTokensLoseWhatStandsBehindTheLast) {
  EXPECT_EQ(ShapText("fine, isn't it?!").segments(), (Strings{"fine, ", "isn'", "t ", "it"}));
  EXPECT_EQ(ShapText("... so").segments(), (Strings{"... ", "so"}));
  EXPECT_EQ(ShapText("").segments(), Strings{});
  EXPECT_EQ(ShapText("🙂").segments(), Strings{""});
}

TEST(ShapText, OneMaskStandsForARunWhereTheyCollapse) {
  EXPECT_EQ(ShapText("one two three four").masked(bits("0010")), "...three ...");
  EXPECT_EQ(ShapText("one two three", {.mask_token = "UNK", .collapse_mask_token = false}).masked(bits("000")), "UNK UNK UNK");
}

TEST(ShapText, AnOddNumberOfSpecialTokensIsRefused) {
  EXPECT_EQ(shap_kept_ends(1, true).prefix, 1U);
  EXPECT_EQ(shap_kept_ends(1, false).suffix, 1U);
  EXPECT_EQ(shap_kept_ends(4, false).prefix, 2U);
  EXPECT_THROW(shap_kept_ends(3, false), Error);
}

TEST(PythonText, SpaceAndWordAreThoseOfPython) {
  for (const std::uint32_t space : {0x9, 0xA, 0xB, 0xC, 0xD, 0x1C, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x3000})
    EXPECT_TRUE(is_python_space(space)) << space;
  for (const std::uint32_t other : {0x200B, 0xFEFF, 0x180E, 0x5F}) EXPECT_FALSE(is_python_space(other)) << other;
  // _ é 中 ² Ⅷ ½ ७
  for (const std::uint32_t word : {0x5F, 0xE9, 0x4E2D, 0xB2, 0x2167, 0xBD, 0x96D}) EXPECT_TRUE(is_python_word(word)) << word;
  // an accent, a vowel sign, an emoji
  for (const std::uint32_t other : {0x301, 0x93E, 0x1F642, 0x2D, 0x20}) EXPECT_FALSE(is_python_word(other)) << other;
  EXPECT_EQ(python_strip(" \u2003a b\n"), "a b");
  EXPECT_EQ(python_strip("\u3000"), "");
}

}  // namespace
}  // namespace filbert
