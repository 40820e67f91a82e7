// Rows as they go out: those of the input, all their columns in their order, and behind them what the model says.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "cli/known_texts.h"
#include "cli/table_input.h"

namespace filbert::cli {

struct ResultOptions {
  TableFormat format = TableFormat::csv;  // of the output: csv, tsv or jsonl
  bool has_header = true;
};

// A column that is added. Where there is no answer it is left empty.
struct AnswerColumn {
  std::string name;
  std::function<void(const TextAnswer&, JsonWriter&)> write;    // its value
  std::function<std::string(const TextAnswer&)> as_field = {};  // in a table, where that is not its JSON
};

// Those that every answer has: how many tokens its text has, and whether it was truncated.
void add_length_columns(std::vector<AnswerColumn>& columns);

// The format of an output file: what was asked for, else by its name, else as the input's, of which lines become objects. Throws
// Error(invalid_argument): a format that cannot hold the input's rows.
TableFormat result_format(const std::optional<TableFormat>& asked, const std::filesystem::path& output, TableFormat input);

class ResultRows {
 public:
  // `say` is told of a column whose name was taken, once for each.
  ResultRows(const TableInput& input, std::vector<AnswerColumn> columns, const ResultOptions& options, std::function<void(const std::string&)> say);

  // What stands before the first row.
  std::string header() const;
  // Without an answer the row has its fault.
  void append(const TableRow& row, const TextAnswer* answer, std::string& out);

 private:
  void append_fields(const std::vector<std::string>& fields, std::string& out) const;
  void append_field(std::string_view field, bool is_first, std::string& out) const;
  void append_object(const TableRow& row, const TextAnswer* answer, const std::string& error, std::string& out);
  std::string free_name(const std::string& name, const std::vector<std::string>& taken);
  std::string error_of(const TableRow& row, const TextAnswer* answer) const;

  const TableInput& input_;
  ResultOptions options_;
  std::function<void(const std::string&)> say_;
  CsvDialect dialect_;
  std::vector<AnswerColumn> columns_;
  std::vector<std::string> names_;  // of columns_, and "error": as they go out
  std::vector<std::string> said_;
  JsonWriter json_;
};

}  // namespace filbert::cli
