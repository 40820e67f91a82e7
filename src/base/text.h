// UTF-8 as text arrives: decoded code point by code point, ill-formed bytes replaced and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace filbert {

constexpr char32_t kReplacement = 0xFFFD;

struct DecodedChar {
  char32_t code_point = 0;
  std::uint32_t bytes = 0;  // of the input that it took; 1 to 4
  bool valid = true;        // false: an ill-formed sequence, code_point is U+FFFD
};

// The code point at `offset`, which must be below text.size(). Ill-formed input is cut as Python's
// bytes.decode("utf-8", errors="replace") cuts it: one U+FFFD for each maximal subpart (Unicode 15, table 3-8).
DecodedChar decode_utf8(std::string_view text, std::size_t offset);

// Appends the UTF-8 of a scalar value.
void append_utf8(char32_t code_point, std::string& out);

// How many ill-formed sequences `text` has; 0 means that it is valid UTF-8.
std::size_t count_invalid_utf8(std::string_view text);

// `text` with each ill-formed sequence replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace filbert
