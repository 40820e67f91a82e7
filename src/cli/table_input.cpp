#include "cli/table_input.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "base/names.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/table_guess.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedColumns = 12;
constexpr std::size_t kSampleBytes = 64 * 1024;
constexpr std::array<std::string_view, 4> kFormats = {"csv", "tsv", "jsonl", "lines"};

// A label may be a number in JSON.
std::string label_of(const JsonValue& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_object() || value.is_array()) value.fail("a string or a number");
  return simdjson::to_string(value.raw());
}

TableFormat format_of(const TableOptions& options) {
  if (options.format) return *options.format;
  if (const auto format = table_format_of(options.file)) return *format;
  if (options.pipes && options.file == "-") return TableFormat::lines;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file that ends in .csv, .tsv, .jsonl or .txt, or one of these and .gz or "
                                                       ".zst, found \"{}\"", options.argument, options.file.string()));
}

}  // namespace

TableFormat table_format_from_name(std::string_view argument, std::string_view name) { return from_name<TableFormat>(argument, name, kFormats); }

std::string_view name(TableFormat format) { return kFormats[static_cast<std::size_t>(format)]; }

std::optional<TableFormat> table_format_of(const std::filesystem::path& file) {
  constexpr std::pair<std::string_view, TableFormat> kExtensions[] = {
      {".csv", TableFormat::csv},     {".tsv", TableFormat::tsv},      {".tab", TableFormat::tsv},
      {".jsonl", TableFormat::jsonl}, {".ndjson", TableFormat::jsonl}, {".txt", TableFormat::lines}};
  const std::string extension = extension_of(file);
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) return format;
  }
  return std::nullopt;
}

void set_delimiter(const std::string& text, TableOptions& options) {
  if (text == "tab" || text == "\\t") {
    options.delimiter = '\t';
  } else if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r") {
    options.delimiter = text.front();
  } else {
    throw Error(ErrorKind::invalid_argument, fmt::format("--delimiter: expected one byte or \"tab\", found \"{}\"", text));
  }
}

TableInput::TableInput(const TableOptions& options) : options_(options), format_(format_of(options)), file_(options.file, options.pipes) {
  const bool is_objects = format_ == TableFormat::jsonl;
  const std::string_view what = is_objects ? "objects" : "lines";
  if (!is_table() && options.delimiter) throw Error(ErrorKind::invalid_argument, fmt::format("--delimiter: expected a .csv or .tsv, found {}", what));
  if (!is_table() && !options.has_header) throw Error(ErrorKind::invalid_argument, fmt::format("--no-header: expected a .csv or .tsv, found {}", what));
  if (format_ == TableFormat::lines && (options.text_pair_column || options.label_column)) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file with columns, found lines", options.text_pair_column ? "--text-pair-column" : "--label-column"));
  }
  if (is_table()) {
    choose_dialect();
  } else {
    dialect_ = {.delimiter = '\n', .quotes = false, .max_row_bytes = options.max_row_bytes};  // a row is a line
  }
  csv_.emplace([this](std::span<char> buffer) { return file_.read(buffer); }, dialect_);
  if (format_ == TableFormat::lines) columns_ = {"text"};
  if (is_table()) read_header();
}

void TableInput::choose_dialect() {
  const bool tabs = format_ == TableFormat::tsv;
  KnownOfTable known{.has_tabs = tabs && !options_.delimiter, .delimiter = options_.delimiter, .quotes = options_.quotes, .text_column = {}};
  if (options_.has_header) known.text_column = options_.text_column;
  if (options_.guess) {
    const std::string_view sample = file_.sample(kSampleBytes);
    dialect_ = guess_dialect(sample, sample.size() < kSampleBytes, known);
  } else {
    dialect_ = {.delimiter = options_.delimiter.value_or(tabs ? '\t' : ','), .quotes = options_.quotes.value_or(!tabs)};
  }
  dialect_.max_row_bytes = options_.max_row_bytes;
}

std::string TableInput::where(std::size_t line) const { return fmt::format("{}: line {}", file_.name(), line); }

std::size_t TableInput::column(const std::string& name, const char* flag) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) {
    throw Error(ErrorKind::invalid_argument,
                options_.has_header ? fmt::format("{}: expected a column \"{}\" ({}), found {}{}", where(1), name, flag,
                                                  first_of(columns_, kNamedColumns), suggestion(name, columns_))
                                    : fmt::format("{}: expected the number of a column from 1 to {} ({}), found \"{}\"", where(1), columns_.size(), flag, name));
  }
  if (std::find(found + 1, columns_.end(), name) != columns_.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one column \"{}\", found two", where(1), name));
  }
  return static_cast<std::size_t>(found - columns_.begin());
}

void TableInput::read_header() {
  const bool found = next_fields();
  if (reader_fault_) throw Error(ErrorKind::invalid_argument, *reader_fault_);
  if (!found) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a {}, found nothing", where(1), options_.has_header ? "header" : "row"));
  for (std::size_t field = 0; field < fields_.size(); ++field) {
    columns_.push_back(options_.has_header ? replace_invalid_utf8(fields_[field]) : std::to_string(field + 1));
  }
  has_row_ = !options_.has_header;
  text_column_ = column(options_.text_column, "--text-column");
  if (options_.text_pair_column) text_pair_column_ = column(*options_.text_pair_column, "--text-pair-column");
  if (options_.label_column) label_column_ = column(*options_.label_column, "--label-column");
}

// Reads a row into fields_; one at fault says so in reader_fault_.
bool TableInput::next_fields() {
  if (std::exchange(has_row_, false)) return true;
  reader_fault_.reset();
  if (is_over_) return false;
  const std::uint64_t before = csv_->bytes_read();
  try {
    return csv_->next(fields_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::invalid_argument || csv_->bytes_read() == before || !std::string_view(error.what()).starts_with("line ")) throw;
    reader_fault_ = fmt::format("{}: {}", file_.name(), error.what());
    is_over_ = !csv_->can_go_on();
    return true;
  }
}

// What is wrong with a row ends the reading, or stands in the row.
void TableInput::fault(TableRow& row, const std::string& message) {
  if (!options_.faults_in_rows || is_over_) throw Error(ErrorKind::invalid_argument, message);
  row.fault = message;
  row.text.clear();
  row.text_pair.reset();
}

bool TableInput::next(TableRow& row) {
  row = {};
  if (!(format_ == TableFormat::jsonl ? next_of_objects(row) : next_of_table(row))) return false;
  row.number = ++rows_;
  if (row.label && row.label->empty()) row.label.reset();
  return true;
}

bool TableInput::next_of_table(TableRow& row) {
  const std::size_t num_columns = columns_.size();
  do {  // a blank line is no row, unless a row is one field
    if (!next_fields()) return false;
  } while (!reader_fault_ && num_columns > 1 && fields_.size() == 1 && fields_.front().empty());
  row.line = csv_->line();
  if (reader_fault_) {
    fault(row, *reader_fault_);
  } else if (fields_.size() != num_columns) {
    std::string surplus;  // stands in no column
    for (std::size_t field = num_columns; field < fields_.size(); ++field) {
      surplus += field == num_columns ? "; no column is left for " : ",";
      append_csv_field(fields_[field], {}, true, surplus);
    }
    fault(row, fmt::format("{}: expected {} fields as in the {}, found {}{}", where(row), num_columns,
                           options_.has_header ? "header" : "first row", fields_.size(), options_.faults_in_rows ? surplus : ""));
  } else {
    row.text = fields_[text_column_];
    if (text_pair_column_) row.text_pair = fields_[*text_pair_column_];
    if (label_column_) row.label = replace_invalid_utf8(fields_[*label_column_]);
  }
  if (options_.keeps_rows) {
    row.fields = std::move(fields_);
    row.fields.resize(num_columns);
  }
  return true;
}

bool TableInput::next_of_objects(TableRow& row) {
  do {
    if (!next_fields()) return false;
  } while (!reader_fault_ && fields_.front().find_first_not_of(" \t") == std::string::npos);
  row.line = csv_->line();
  if (reader_fault_) {  // of a line that is too long the rest is not kept either
    fault(row, *reader_fault_);
    return true;
  }
  row.invalid_utf8 = count_invalid_utf8(fields_.front());  // no JSON holds any
  std::string object = row.invalid_utf8 == 0 ? std::move(fields_.front()) : replace_invalid_utf8(fields_.front());
  try {
    read_object(object, row);
  } catch (const Error& error) {  // the library calls a wrong file corrupt; this one is what the caller gave
    if (rows_ == 0 && error.kind() == ErrorKind::not_found) throw Error(ErrorKind::invalid_argument, error.what());
    fault(row, error.what());
  }
  if (options_.keeps_rows) row.object = std::move(object);
  return true;
}

// Throws Error(not_found) if it lacks a field, Error(corrupt) for all else.
void TableInput::read_object(const std::string& object, TableRow& row) const {
  const JsonDocument document(object, where(row));
  const JsonValue root = document.root();
  if (!root.is_object()) root.fail("an object");
  if (options_.keeps_rows) root.for_each_field([&](std::string_view field, const JsonValue&) { row.fields.emplace_back(field); });
  const auto string_of = [&](const std::string& name, const char* flag) {
    if (const auto value = root.find(name)) {
      return options_.lists && value->is_array() ? simdjson::to_string(value->raw()) : std::string(value->as_string());
    }
    std::vector<std::string> names;
    root.for_each_field([&](std::string_view field, const JsonValue&) { names.emplace_back(field); });
    throw Error(ErrorKind::not_found, fmt::format("{}: expected a field \"{}\" ({}), found {}{}", where(row), name, flag,
                                                  names.empty() ? "none" : first_of(names, kNamedColumns), suggestion(name, names)));
  };
  row.text = string_of(options_.text_column, "--text-column");
  if (options_.text_pair_column) row.text_pair = string_of(*options_.text_pair_column, "--text-pair-column");
  if (options_.label_column) {
    if (const auto label = root.find(*options_.label_column)) row.label = label_of(*label);
  }
}

}  // namespace filbert::cli
