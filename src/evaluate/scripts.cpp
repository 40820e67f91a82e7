#include "evaluate/scripts.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace filbert {
namespace {

#include "evaluate/script_tables.inc"

constexpr std::size_t kBlock = 128;
constexpr std::array<std::string_view, 5> kEastAsian = {"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo"};

}  // namespace

std::size_t script_of(char32_t code_point) {
  const std::size_t block = std::min<std::size_t>(code_point / kBlock, std::size(kScriptStage1) - 1);
  return kScriptStage2[std::size_t{kScriptStage1[block]} * kBlock + code_point % kBlock];
}

std::string_view script_name(std::size_t script) { return script < std::size(kScriptNames) ? kScriptNames[script] : std::string_view(); }

std::size_t script_group(std::size_t script) {
  if (std::find(kEastAsian.begin(), kEastAsian.end(), script_name(script)) == kEastAsian.end()) return script;
  static const std::size_t han = static_cast<std::size_t>(std::find(std::begin(kScriptNames), std::end(kScriptNames), "Han") - std::begin(kScriptNames));
  return han;
}

}  // namespace filbert
