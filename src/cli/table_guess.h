// What separates the columns of a table that does not say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/csv.h"

namespace filbert::cli {

struct KnownOfTable {
  bool has_tabs = false;                     // a .tsv, whose quotes are bytes like others unless they are seen to be more
  std::optional<char> delimiter;
  std::optional<bool> quotes;
  std::optional<std::string> text_column;    // which the header has; absent: there is none
};

// By the first bytes of the table, `is_whole` if they are all: the delimiter (a comma, semicolon, tab or bar) with which the header has the
// text column and the rows are of one width; of a .tsv, quotes if fields in them hold tabs, line ends or doubled quotes and none else begins
// with one. What is known stays; where nothing speaks for another, it is as the file is called.
CsvDialect guess_dialect(std::string_view sample, bool is_whole, const KnownOfTable& known);

}  // namespace filbert::cli
