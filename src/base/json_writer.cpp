#include "base/json_writer.h"

#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace filbert {

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  text_ += ": ";
  needs_comma_ = false;
}

void JsonWriter::value(std::string_view text) {
  separate();
  quote(text);
}

void JsonWriter::decimal(auto number) {
  if (!std::isfinite(number)) return null();
  std::string digits = fmt::format("{}", number);
  if (digits.find_first_of(".e") == std::string::npos)
    digits += ".0";  // stays a float for readers that tell them apart
  raw(digits);
}

template void JsonWriter::decimal(float);
template void JsonWriter::decimal(double);

void JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
}

std::string JsonWriter::take_line() {
  text_ += '\n';
  needs_comma_ = false;
  return std::exchange(text_, {});
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::separate() {
  if (needs_comma_) text_ += ", ";
  needs_comma_ = true;
}

// Escapes what JSON demands, and DEL, C1 and the line separators U+2028 and U+2029: a line of output then is one line
// for every reader, and cannot drive a terminal.
void JsonWriter::quote(std::string_view text) {
  text_ += '"';
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    const char32_t c = decoded.code_point;
    at += decoded.bytes;
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += static_cast<char>(c);
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (c == '\t') {
      text_ += "\\t";
    } else if (c == '\r') {
      text_ += "\\r";
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029) {
      fmt::format_to(std::back_inserter(text_), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      append_utf8(c, text_);
    }
  }
  text_ += '"';
}

}  // namespace filbert
