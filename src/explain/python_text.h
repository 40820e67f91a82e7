// What Python's re and str.strip() take for a word character and for space. Text is valid UTF-8. Tested by shap_text_test.cpp.
#pragma once

#include <string_view>

#include "tokenize/unicode.h"

namespace filbert {

// \w: str.isalnum() or the underscore. Marks and emoji are none.
inline bool is_python_word(char32_t code_point) {
  return (unicode::more_flags(code_point) & (unicode::kLetter | unicode::kNumber)) != 0 || code_point == U'_';
}

// \s and str.isspace(): White_Space and the four separators of ASCII.
inline bool is_python_space(char32_t code_point) {
  return (unicode::flags(code_point) & unicode::kSpace) != 0 || (code_point >= 0x1C && code_point <= 0x1F);
}

// str.strip().
inline std::string_view python_strip(std::string_view text) {
  while (!text.empty() && is_python_space(unicode::decode(text, 0).code_point)) text.remove_prefix(unicode::decode(text, 0).bytes);
  while (!text.empty() && is_python_space(unicode::decode_before(text, text.size()).code_point)) {
    text.remove_suffix(unicode::decode_before(text, text.size()).bytes);
  }
  return text;
}

}  // namespace filbert
