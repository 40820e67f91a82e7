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
inline void append_utf8(char32_t code_point, std::string& out) {
  const auto tail = [code_point](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3F)); };
  const auto lead = [code_point](char32_t mark, int shift) { return static_cast<char>(mark | code_point >> shift); };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.append({lead(0xC0, 6), tail(0)});
  } else if (code_point < 0x10000) {
    out.append({lead(0xE0, 12), tail(6), tail(0)});
  } else {
    out.append({lead(0xF0, 18), tail(12), tail(6), tail(0)});
  }
}

// Whether a code point begins here, and does not go on.
inline bool starts_char(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// The last place up to `at`, or up to the end, where a code point begins.
std::size_t character_before(std::string_view text, std::size_t at);

// How many ill-formed sequences `text` has; 0 means that it is valid UTF-8.
std::size_t count_invalid_utf8(std::string_view text);

// Of valid UTF-8.
std::size_t count_code_points(std::string_view text);

// Without the spaces, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text);

// `text` with each ill-formed sequence replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace filbert
