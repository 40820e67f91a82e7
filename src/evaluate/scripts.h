// Which script a letter is of. Tested by scripts_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace filbert {

constexpr std::size_t kMostScripts = 256;

// The script of a letter: a number below kMostScripts; 0 for what is no letter, or one that scripts share.
std::size_t script_of(char32_t code_point);
// "Latin", "Han"; "" for 0.
std::string_view script_name(std::size_t script);
// The same number for scripts that one language mixes in a word (Han, Hiragana, Katakana, Hangul, Bopomofo), else the script itself.
std::size_t script_group(std::size_t script);

}  // namespace filbert
