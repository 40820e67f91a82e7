#include "base/text.h"

#include <algorithm>

namespace filbert {

DecodedChar decode_utf8(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[offset + at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};

  // Length and the range of the second byte, which excludes overlong forms, surrogates and what lies past U+10FFFF.
  std::uint32_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kReplacement, 1, false};
  }

  char32_t code_point = lead & (0x7Fu >> length);
  for (std::uint32_t at = 1; at < length; ++at) {
    if (offset + at >= text.size() || byte(at) < low || byte(at) > high) return {kReplacement, at, false};
    code_point = code_point << 6 | (byte(at) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, length, true};
}

std::size_t count_invalid_utf8(std::string_view text) {
  std::size_t invalid = 0;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    invalid += !decoded.valid;
    at += decoded.bytes;
  }
  return invalid;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    append_utf8(decoded.code_point, out);
    at += decoded.bytes;
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

std::size_t character_before(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  while (at > 0 && at < text.size() && !starts_char(text[at])) --at;
  return at;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_char));
}

}  // namespace filbert
