#include "cli/result_rows.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr const char* kPrefix = "filbert_";
constexpr const char* kError = "error";
constexpr const char* kUnreadable = "input";  // of a line that is no object: what stands there

bool is_in(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

// A value of a column as a table has it: JSON, but for the quotes around a string; null is nothing.
std::string as_field(JsonWriter& json) {
  std::string text = json.take_line();
  text.pop_back();
  return text == "null" ? std::string() : text;
}

}  // namespace

TableFormat result_format(const std::optional<TableFormat>& asked, const std::filesystem::path& output, TableFormat input) {
  std::optional<TableFormat> format = asked ? asked : table_format_of(output);
  if (!format) format = input == TableFormat::lines ? TableFormat::jsonl : input;
  if (*format == TableFormat::lines) {
    throw Error(ErrorKind::invalid_argument, "--output: expected csv, tsv or jsonl, whose rows have columns, found lines");
  }
  if (input == TableFormat::jsonl && *format != TableFormat::jsonl) {
    throw Error(ErrorKind::invalid_argument, fmt::format("--output: expected jsonl, since objects need not have the same fields, found {}", name(*format)));
  }
  return *format;
}

void add_length_columns(std::vector<AnswerColumn>& columns) {
  columns.push_back({"tokens_total", [](const TextAnswer& answer, JsonWriter& json) { json.value(answer.tokens_total); }});
  columns.push_back({"truncated", [](const TextAnswer& answer, JsonWriter& json) { json.value(answer.truncated); }});
}

ResultRows::ResultRows(const TableInput& input, std::vector<AnswerColumn> columns, const ResultOptions& options,
                       std::function<void(const std::string&)> say)
    : input_(input), options_(options), say_(std::move(say)), columns_(std::move(columns)) {
  dialect_ = {.delimiter = options.format == TableFormat::tsv ? '\t' : ',', .quotes = true};
  if (input.format() == options.format) dialect_ = input.dialect();  // every field of it can be written in it
  for (const AnswerColumn& column : columns_) names_.push_back(free_name(column.name, input.columns()));
  names_.push_back(free_name(kError, input.columns()));
}

std::string ResultRows::free_name(const std::string& name, const std::vector<std::string>& taken) {
  std::string free = name;
  while (is_in(taken, free)) free = kPrefix + free;
  if (free != name && !is_in(said_, name)) {
    said_.push_back(name);
    say_(fmt::format("{}: has a column \"{}\" already: the new one is \"{}\"", input_.file().name(), name, free));
  }
  return free;
}

void ResultRows::append_field(std::string_view field, bool is_first, std::string& out) const {
  if (!is_first) out += dialect_.delimiter;
  if (dialect_.quotes) return append_csv_field(field, dialect_, false, out);
  for (const char byte : field) out += byte == dialect_.delimiter || byte == '\n' || byte == '\r' ? ' ' : byte;
}

void ResultRows::append_fields(const std::vector<std::string>& fields, std::string& out) const {
  for (std::size_t field = 0; field < fields.size(); ++field) {
    if (field > 0) out += dialect_.delimiter;
    append_csv_field(fields[field], dialect_, false, out);
  }
}

std::string ResultRows::header() const {
  if (options_.format == TableFormat::jsonl || !options_.has_header) return {};
  std::string line;
  append_fields(input_.columns(), line);
  for (const std::string& name : names_) append_field(name, line.empty() && input_.columns().empty(), line);
  return line + '\n';
}

std::string ResultRows::error_of(const TableRow& row, const TextAnswer* answer) const {
  if (!row.fault.empty()) return row.fault;
  if (!answer->fault.empty()) return fmt::format("{}: {}", input_.where(row), answer->fault);
  const std::size_t invalid = answer->invalid_utf8 + row.invalid_utf8;
  if (invalid == 0) return {};
  return fmt::format("{}: expected UTF-8, found {} ill-formed sequence{}, replaced by U+FFFD", input_.where(row), invalid, invalid == 1 ? "" : "s");
}

void ResultRows::append(const TableRow& row, const TextAnswer* answer, std::string& out) {
  const std::string error = error_of(row, answer);
  if (answer && !answer->fault.empty()) answer = nullptr;
  if (options_.format == TableFormat::jsonl) return append_object(row, answer, error, out);
  if (input_.format() == TableFormat::lines) {
    append_fields({row.text}, out);
  } else {
    append_fields(row.fields, out);
  }
  for (const AnswerColumn& column : columns_) {
    std::string field;
    if (answer && column.as_field) {
      field = column.as_field(*answer);
    } else if (answer) {
      column.write(*answer, json_);
      field = as_field(json_);
    }
    append_field(field, false, out);
  }
  append_field(error, false, out);
  out += '\n';
}

// An object of the input stays as it is, byte for byte, and the new fields stand behind its own.
void ResultRows::append_object(const TableRow& row, const TextAnswer* answer, const std::string& error, std::string& out) {
  const bool is_object = input_.format() == TableFormat::jsonl && (row.fault.empty() || !row.fields.empty());
  std::vector<std::string> names = names_;
  json_.begin_object();
  if (is_object) {
    names.clear();
    for (const AnswerColumn& column : columns_) names.push_back(free_name(column.name, row.fields));
    names.push_back(free_name(kError, row.fields));
  } else if (input_.format() == TableFormat::jsonl) {
    json_.field(kUnreadable, row.object);
  } else if (input_.format() == TableFormat::lines) {
    json_.field(input_.columns().front(), row.text);
  } else {
    for (std::size_t field = 0; field < row.fields.size(); ++field) json_.field(input_.columns()[field], row.fields[field]);
  }
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    json_.key(names[column]);
    if (answer) {
      columns_[column].write(*answer, json_);
    } else {
      json_.null();
    }
  }
  json_.key(names.back());
  if (error.empty()) {
    json_.null();
  } else {
    json_.value(error);
  }
  json_.end_object();
  const std::string line = json_.take_line();
  if (!is_object) {
    out += line;
    return;
  }
  const std::string_view object = trimmed(row.object);
  out += trimmed(object.substr(0, object.size() - 1));
  if (!row.fields.empty()) out += ", ";
  out += std::string_view(line).substr(1);
}

}  // namespace filbert::cli
