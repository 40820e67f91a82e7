#include "cli/columns.h"

#include "base/text.h"
#include "tokenize/unicode.h"

namespace filbert::cli {
namespace {

// Columns of a terminal that a character takes.
std::size_t columns_of(char32_t c) {
  if ((unicode::more_flags(c) & (unicode::kMark | unicode::kAttaches)) != 0) return 0;
  const bool is_wide = unicode::is_chinese(c) || (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) || (c >= 0x3041 && c <= 0x33FF) ||
                       (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xFF00 && c <= 0xFF60) || (c >= 0x1F300 && c <= 0x1FAFF);
  return is_wide ? 2 : 1;
}

}  // namespace

Word shown(std::string_view text, const Output& out, std::size_t most) {
  Word word;
  const std::string safe = out.is_terminal() ? printable(text) : out.foreign(text);
  for (std::size_t at = 0; at < safe.size();) {
    const DecodedChar c = decode_utf8(safe, at);
    const bool is_break = c.code_point == '\n' || c.code_point == '\t';
    if (word.columns + columns_of(c.code_point) > most - 1) {
      word.text += "…";
      ++word.columns;
      break;
    }
    word.text += is_break ? " " : safe.substr(at, c.bytes);
    word.columns += is_break ? 1 : columns_of(c.code_point);
    at += c.bytes;
  }
  return word;
}

std::string padded(const Word& word, std::size_t columns) {
  return word.text + std::string(columns > word.columns ? columns - word.columns : 0, ' ');
}

}  // namespace filbert::cli
