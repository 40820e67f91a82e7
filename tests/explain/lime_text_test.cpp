// LIME's words against the package's own.
#include "explain/lime_text.h"
#include "explain/python_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/toy_game.h"

namespace filbert {
namespace {

using nlohmann::json;

const json& lime_text_goldens() {
  static const json all = reference::explain_goldens("lime");
  return all;
}

TEST(LimeText, IsCutAsThePackageCutsIt) {
  for (const json& golden : lime_text_goldens().at("texts")) {
    const std::string raw = golden.at("text");
    const bool bow = golden.at("bow");
    SCOPED_TRACE(raw + (bow ? "" : ", without bow"));
    const LimeText text(raw, bow);
    std::vector<std::string> pieces;
    std::vector<std::size_t> starts;
    std::vector<std::string> words;
    std::vector<std::vector<std::size_t>> positions;
    for (const auto& piece : text.pieces()) {
      pieces.emplace_back(text.text(piece));
      starts.push_back(piece.begin_code_point);
    }
    for (const auto& word : text.words()) {
      words.emplace_back(word.text);
      positions.push_back(word.pieces);
    }
    EXPECT_EQ(pieces, golden.at("pieces").get<std::vector<std::string>>());
    EXPECT_EQ(words, golden.at("words").get<std::vector<std::string>>());
    EXPECT_EQ(positions, golden.at("positions").get<std::vector<std::vector<std::size_t>>>());
    if (pieces.empty()) starts = {0};  // the package says so of no piece
    const json& expected_starts = golden.at("string_start");
    if (!expected_starts.is_null()) {
      EXPECT_EQ(starts, expected_starts.get<std::vector<std::size_t>>());
    }
    for (const json& removing : golden.at("removing")) {
      EXPECT_EQ(text.inverse_removing(removing.at("words").get<std::vector<std::size_t>>()), removing.at("left").get<std::string>());
    }
  }
}

TEST(LimeText, PiecesAreTheText) {
  for (const json& golden : lime_text_goldens().at("texts")) {
    const LimeText text(golden.at("text").get<std::string>());
    std::string together;
    std::size_t code_points = 0;
    for (const auto& piece : text.pieces()) {
      EXPECT_EQ(piece.begin, together.size());
      EXPECT_EQ(piece.begin_code_point, code_points);
      together += text.text(piece);
      code_points = piece.end_code_point;
    }
    EXPECT_EQ(together, text.text());
    EXPECT_EQ(text.keeping(std::vector<std::uint8_t>(text.words().size(), 1)), text.text());
  }
}

TEST(LimeText, RemovedWordsWithoutBowBecomeTheMask) {
  const std::vector<std::uint8_t> kept = {1, 0, 1};
  EXPECT_EQ(LimeText("no, no no", false).keeping(kept), "no, UNKWORDZ no");
  EXPECT_EQ(LimeText("no, no no", false, "…").keeping(kept), "no, … no");
  EXPECT_EQ(LimeText("no, no no").keeping(std::vector<std::uint8_t>{0}), ",  ");
}

// Python 3.11's \w over all of Unicode 14. Characters that came later are words here if they are letters.
TEST(LimeText, WordCharactersAreThoseOfPython) {
  const auto code_points = [](const char* name) {
    std::vector<bool> of(0x110000);
    for (const json& range : lime_text_goldens().at(name)) std::fill(of.begin() + range[0].get<int>(), of.begin() + range[1].get<int>(), true);
    return of;
  };
  const auto words = code_points("word_ranges");
  const auto unassigned = code_points("unassigned_ranges");
  for (char32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (unassigned[code_point]) continue;
    EXPECT_EQ(is_python_word(code_point), words[code_point]) << "U+" << std::hex << static_cast<std::uint32_t>(code_point);
  }
}

}  // namespace
}  // namespace filbert
