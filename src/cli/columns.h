// Words in the columns of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/output.h"

namespace filbert::cli {

constexpr std::size_t kPlainColumns = 80;  // of what reads the same on a terminal and in a file

struct Word {
  std::string text;
  std::size_t columns = 0;  // that it takes
};
// `text` as `out` shows it, on one line, of at most so many columns: a longer one is cut, with a mark.
Word shown(std::string_view text, const Output& out, std::size_t most = 24);
// The same followed by spaces up to so many columns.
std::string padded(const Word& word, std::size_t columns);

// Columns that a character takes: 0 for what joins the one before, 2 for what is wide; and a text.
std::size_t columns_of(char32_t c);
std::size_t columns_of(std::string_view text);

// On one line as `out` shows it: a run of white space is a space.
std::string one_line(std::string_view text, const Output& out);
// As much of the beginning, or of the end, as fits into so many columns, with a mark where something is left out.
std::string beginning_of(std::string_view line, std::size_t columns);
std::string end_of(std::string_view line, std::size_t columns);

}  // namespace filbert::cli
