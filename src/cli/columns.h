// Words in the columns of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/output.h"

namespace filbert::cli {

struct Word {
  std::string text;
  std::size_t columns = 0;  // that it takes
};
// `text` as `out` shows it, on one line, of at most so many columns: a longer one is cut, with a mark.
Word shown(std::string_view text, const Output& out, std::size_t most = 24);
// The same followed by spaces up to so many columns.
std::string padded(const Word& word, std::size_t columns);

}  // namespace filbert::cli
