// A file of texts: a column of a table (.csv, .tsv), or a field of objects (.jsonl), a row at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/csv.h"
#include "cli/line_reader.h"

namespace filbert::cli {

struct TableOptions {
  std::filesystem::path file;
  std::string text_column = "text";
  std::optional<std::string> text_pair_column;
  std::optional<std::string> label_column;  // of the gold label
  std::optional<char> delimiter;            // absent: a tab in .tsv, else a comma
  bool jsonl = false;                       // whatever the file is called
  const char* argument = "--input";         // what named the file
};
// "tab" or one byte. Throws Error(invalid_argument) for anything else.
void set_delimiter(const std::string& text, TableOptions& options);

struct TableRow {
  std::size_t number = 0;                   // from 1, the header not counted
  std::string text;
  std::optional<std::string> text_pair;     // absent without a column
  std::optional<std::string> label;         // absent where it is empty
  std::size_t invalid_utf8 = 0;             // replaced before the line could be read as JSON
};

class TableInput {
 public:
  // Reads the header. Throws Error(not_found), Error(invalid_argument): no regular file, another extension, a column that is not there.
  explicit TableInput(const TableOptions& options);
  TableInput(const TableInput&) = delete;
  TableInput& operator=(const TableInput&) = delete;
  ~TableInput();

  // False at the end. Throws Error(invalid_argument) that names file and line.
  bool next(TableRow& row);
  // From 0 to 1: how much of the file was read.
  double share_read() const;

 private:
  void read_header();
  bool next_of_table(TableRow& row);
  bool next_of_objects(TableRow& row);
  std::size_t column(const std::vector<std::string>& header, const std::string& name, const char* flag) const;
  std::string where(std::size_t line) const;

  TableOptions options_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;       // of the file
  std::uint64_t bytes_read_ = 0;
  std::optional<CsvReader> csv_;
  std::optional<LineReader> lines_;
  std::size_t line_ = 0;          // of objects
  std::size_t rows_ = 0;
  std::vector<std::string> fields_;
  std::size_t num_columns_ = 0;
  std::size_t text_column_ = 0;
  std::optional<std::size_t> text_pair_column_;
  std::optional<std::size_t> label_column_;
};

}  // namespace filbert::cli
