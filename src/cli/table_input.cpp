#include "cli/table_input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filbert/error.h>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedColumns = 12;

std::size_t read_some(int descriptor, std::span<char> buffer, const std::string& file) {
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw Error(ErrorKind::corrupt, fmt::format("{}: {}", file, std::strerror(errno)));
  }
}

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
  return text;
}

// A label may be a number in JSON.
std::string label_of(const JsonValue& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_object() || value.is_array()) value.fail("a string or a number");
  return simdjson::to_string(value.raw());
}

}  // namespace

void set_delimiter(const std::string& text, TableOptions& options) {
  if (text == "tab" || text == "\\t") {
    options.delimiter = '\t';
  } else if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r") {
    options.delimiter = text.front();
  } else {
    throw Error(ErrorKind::invalid_argument, fmt::format("--delimiter: expected one byte or \"tab\", found \"{}\"", text));
  }
}

TableInput::TableInput(const TableOptions& options) : options_(options) {
  const std::string file = options.file.string(), extension = small(options.file.extension().string());
  const bool is_objects = options.jsonl || extension == ".jsonl" || extension == ".ndjson";
  if (!is_objects && extension != ".csv" && extension != ".tsv" && extension != ".tab") {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file that ends in .csv, .tsv or .jsonl, found \"{}\"", options.argument, file));
  }
  if (is_objects && options.delimiter) throw Error(ErrorKind::invalid_argument, "--delimiter: expected a .csv or .tsv, found objects");
  descriptor_ = ::open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw Error(ErrorKind::not_found, fmt::format("{}: {}", file, std::strerror(errno)));
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a file, found a directory or device", file));
  }
  bytes_ = static_cast<std::uint64_t>(status.st_size);
  if (is_objects) {
    lines_.emplace(descriptor_);
    return;
  }
  const bool tabs = extension != ".csv";
  csv_.emplace([this, file](std::span<char> buffer) { return read_some(descriptor_, buffer, file); },
               CsvDialect{.delimiter = options.delimiter.value_or(tabs ? '\t' : ','), .quotes = !tabs});
  try {
    read_header();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

TableInput::~TableInput() { ::close(descriptor_); }

std::string TableInput::where(std::size_t line) const { return fmt::format("{}: line {}", options_.file.string(), line); }

double TableInput::share_read() const {
  const std::uint64_t read = csv_ ? csv_->bytes_read() : bytes_read_;
  return bytes_ == 0 ? 1 : std::min(1.0, static_cast<double>(read) / static_cast<double>(bytes_));
}

std::size_t TableInput::column(const std::vector<std::string>& header, const std::string& name, const char* flag) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a column \"{}\" ({}), found {}", where(1), name, flag, first_of(header, kNamedColumns)));
  }
  if (std::find(found + 1, header.end(), name) != header.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one column \"{}\", found two", where(1), name));
  }
  return static_cast<std::size_t>(found - header.begin());
}

void TableInput::read_header() {
  try {
    if (!csv_->next(fields_)) throw Error(ErrorKind::invalid_argument, "line 1: expected a header, found nothing");
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", options_.file.string(), error.what()));
  }
  num_columns_ = fields_.size();
  for (std::string& field : fields_) field = replace_invalid_utf8(field);
  text_column_ = column(fields_, options_.text_column, "--text-column");
  if (options_.text_pair_column) text_pair_column_ = column(fields_, *options_.text_pair_column, "--text-pair-column");
  if (options_.label_column) label_column_ = column(fields_, *options_.label_column, "--label-column");
}

bool TableInput::next(TableRow& row) {
  row = {};
  if (!(csv_ ? next_of_table(row) : next_of_objects(row))) return false;
  row.number = ++rows_;
  if (row.label && row.label->empty()) row.label.reset();
  return true;
}

bool TableInput::next_of_table(TableRow& row) {
  try {
    do {  // a blank line is no row, unless a row is one field
      if (!csv_->next(fields_)) return false;
    } while (num_columns_ > 1 && fields_.size() == 1 && fields_.front().empty());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::invalid_argument) throw;
    throw Error(error.kind(), fmt::format("{}: {}", options_.file.string(), error.what()));
  }
  if (fields_.size() != num_columns_) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {} fields as in the header, found {}", where(csv_->line()), num_columns_, fields_.size()));
  }
  row.text = fields_[text_column_];
  if (text_pair_column_) row.text_pair = fields_[*text_pair_column_];
  if (label_column_) row.label = replace_invalid_utf8(fields_[*label_column_]);
  return true;
}

bool TableInput::next_of_objects(TableRow& row) {
  std::optional<std::string_view> line;
  do {
    line = lines_->next();
    if (!line) return false;
    ++line_;
    bytes_read_ += line->size() + 1;
  } while (line->find_first_not_of(" \t") == std::string_view::npos);
  try {
    row.invalid_utf8 = count_invalid_utf8(*line);  // no JSON holds any
    const JsonDocument document(replace_invalid_utf8(*line), where(line_));
    const JsonValue root = document.root();
    if (!root.is_object()) root.fail("an object");
    const auto string_of = [&](const std::string& name, const char* flag) {
      if (const auto value = root.find(name)) return std::string(value->as_string());
      std::vector<std::string> names;
      root.for_each_field([&](std::string_view field, const JsonValue&) { names.emplace_back(field); });
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a field \"{}\" ({}), found {}", where(line_), name, flag,
                                                           names.empty() ? "none" : first_of(names, kNamedColumns)));
    };
    row.text = string_of(options_.text_column, "--text-column");
    if (options_.text_pair_column) row.text_pair = string_of(*options_.text_pair_column, "--text-pair-column");
    if (options_.label_column) {
      if (const auto label = root.find(*options_.label_column)) row.label = label_of(*label);
    }
  } catch (const Error& error) {  // the library calls a wrong file corrupt; this one is what the caller gave
    throw Error(ErrorKind::invalid_argument, error.what());
  }
  return true;
}

}  // namespace filbert::cli
