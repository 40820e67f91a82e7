// A file of texts: a column of a table (.csv, .tsv), a field of objects (.jsonl), or its lines (.txt), a row at a time; each also compressed
// (.gz, .zst).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/csv.h"
#include "cli/input_file.h"

namespace filbert::cli {

enum class TableFormat { csv, tsv, jsonl, lines };
// "csv", "tsv", "jsonl", "lines". Throws Error(invalid_argument) that begins with `argument`.
TableFormat table_format_from_name(std::string_view argument, std::string_view name);
std::string_view name(TableFormat format);
// By the extension, below that of a compression; absent: it is none that we know.
std::optional<TableFormat> table_format_of(const std::filesystem::path& file);

struct TableOptions {
  std::filesystem::path file;
  std::string text_column = "text";
  std::optional<std::string> text_pair_column;
  std::optional<std::string> label_column;  // of the gold label
  std::optional<TableFormat> format;        // absent: by the name
  std::optional<char> delimiter;            // absent: a tab in .tsv, else a comma
  std::optional<bool> quotes;               // absent: in .csv, not in .tsv
  bool guess = false;                       // what is absent of the two by what stands in the file, see table_guess.h
  bool has_header = true;                   // false: columns are called by their number, from "1"
  bool lists = false;                       // of objects: the text may be a list, and is its JSON then
  bool pipes = false;                       // "-" is standard input, and pipes are files
  bool keeps_rows = false;                  // TableRow has `fields` or `object`
  bool faults_in_rows = false;              // a row at fault is given with what is wrong with it, where the rows behind it can be read
  std::size_t max_row_bytes = 64 << 20;
  const char* argument = "--input";         // what named the file
};
// "tab" or one byte. Throws Error(invalid_argument) for anything else.
void set_delimiter(const std::string& text, TableOptions& options);

struct TableRow {
  std::size_t number = 0;                   // from 1, the header not counted
  std::size_t line = 0;                     // where it begins
  std::string text;
  std::optional<std::string> text_pair;     // absent without a column
  std::optional<std::string> label;         // absent where it is empty
  std::size_t invalid_utf8 = 0;             // replaced before the line could be read as JSON
  std::vector<std::string> fields;          // of a table, as many as there are columns; of objects their names
  std::string object;                       // of objects, the JSON; of a fault the line
  std::string fault;                        // what is wrong with the row: it has no text then
};

class TableInput {
 public:
  // Reads the header. Throws Error(not_found), Error(invalid_argument): no regular file, another extension, a column that is not there.
  explicit TableInput(const TableOptions& options);

  // False at the end. Throws Error(invalid_argument) that names file and line.
  bool next(TableRow& row);
  // From 0 to 1: how much of the file was read; 0 of a pipe. Safe to call from another thread.
  double share_read() const { return file_.share_read().value_or(0); }
  bool is_pipe() const { return !file_.share_read().has_value(); }

  TableFormat format() const { return format_; }
  const CsvDialect& dialect() const { return dialect_; }  // of a table
  // The names of the columns: of objects none, of lines "text".
  const std::vector<std::string>& columns() const { return columns_; }
  const InputFile& file() const { return file_; }
  std::string where(const TableRow& row) const { return where(row.line); }

 private:
  bool is_table() const { return format_ == TableFormat::csv || format_ == TableFormat::tsv; }
  void choose_dialect();
  void read_header();
  bool next_fields();
  void fault(TableRow& row, const std::string& message);
  bool next_of_table(TableRow& row);
  bool next_of_objects(TableRow& row);
  void read_object(const std::string& object, TableRow& row) const;
  std::size_t column(const std::string& name, const char* flag) const;
  std::string where(std::size_t line) const;

  TableOptions options_;
  TableFormat format_;
  InputFile file_;
  CsvDialect dialect_;
  std::optional<CsvReader> csv_;
  std::size_t rows_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> fields_;
  std::optional<std::string> reader_fault_;  // of the row in fields_
  bool has_row_ = false;                     // fields_ is the next row: without a header it is read early
  bool is_over_ = false;                     // no row can be read any more
  std::size_t text_column_ = 0;
  std::optional<std::size_t> text_pair_column_;
  std::optional<std::size_t> label_column_;
};

}  // namespace filbert::cli
