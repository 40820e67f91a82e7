#include "base/csv.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

[[noreturn]] void refuse_line(std::size_t line, std::string_view message) {
  throw Error(ErrorKind::invalid_argument, fmt::format("line {}: {}", line, message));
}

}  // namespace

int CsvReader::peek() {
  if (at_ == buffer_.size() && !at_end_) {
    before_buffer_ += buffer_.size();
    buffer_.resize(kReadBytes);
    at_ = 0;
    buffer_.resize(source_(buffer_));
    at_end_ = buffer_.empty();
  }
  return at_ == buffer_.size() ? kEnd : static_cast<unsigned char>(buffer_[at_]);
}

int CsvReader::take() {
  const int byte = peek();
  if (byte == kEnd) return byte;
  ++at_;
  line_ += byte == '\n';
  return byte;
}

void CsvReader::skip_byte_order_mark() {
  at_start_ = false;
  while (peek() != kEnd && buffer_.size() < 3) {  // a source may give a byte at a time
    std::string more(kReadBytes, '\0');
    more.resize(source_(more));
    if (more.empty()) break;
    buffer_ += more;
  }
  const std::string_view start = buffer_;
  can_go_on_ = false;
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) refuse_line(1, "expected UTF-8, found UTF-16");
  can_go_on_ = true;
  if (start.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

void CsvReader::append(std::string_view bytes, std::string& field) {
  row_bytes_ += bytes.size();
  if (!is_too_long()) field += bytes;
}

void CsvReader::note_fault(std::size_t line, std::string message) {
  if (!fault_.empty()) return;
  fault_line_ = line;
  fault_ = std::move(message);
}

// From behind the opening quote to behind the closing one.
void CsvReader::read_quoted(std::string& field) {
  const std::size_t opened = line_;
  while (true) {
    const int byte = peek();
    if (byte == kEnd) {
      can_go_on_ = false;
      return note_fault(opened, "expected a second quote to close a field, found the end of the file");
    }
    const std::size_t stop = std::min(buffer_.find('"', at_), buffer_.size());
    const std::string_view run = std::string_view(buffer_).substr(at_, stop - at_);
    line_ += static_cast<std::size_t>(std::count(run.begin(), run.end(), '\n'));
    append(run, field);
    at_ = stop;
    if (byte != '"') continue;
    take();
    if (peek() != '"') return;
    take();
    append("\"", field);
  }
}

// Up to the delimiter or the end of the row, which stay.
void CsvReader::read_plain(std::string& field) {
  while (true) {
    const int byte = peek();
    if (byte == kEnd || byte == '\n' || byte == static_cast<unsigned char>(dialect_.delimiter)) return;
    if (byte == '\r') {
      take();
      if (peek() == '\n' || peek() == kEnd) return;
      append("\r", field);
      continue;
    }
    const char ends[] = {'\n', '\r', dialect_.delimiter};
    const std::size_t stop = std::min(std::string_view(buffer_).find_first_of(std::string_view(ends, 3), at_), buffer_.size());
    append(std::string_view(buffer_).substr(at_, stop - at_), field);
    at_ = stop;
  }
}

// Whether the row ends here; what ends it is then taken.
bool CsvReader::take_row_end() {
  const int byte = peek();
  if (byte == '\n') take();
  return byte == '\n' || byte == kEnd;
}

bool CsvReader::next(std::vector<std::string>& fields) {
  if (at_start_) skip_byte_order_mark();
  fields.clear();
  if (peek() == kEnd) return false;
  row_line_ = line_;
  row_bytes_ = 0;
  fault_.clear();
  while (true) {
    ++row_bytes_;  // many empty fields are many bytes as well
    std::string& field = is_too_long() ? dropped_ : fields.emplace_back();
    field.clear();
    if (dialect_.quotes && peek() == '"') {
      take();
      read_quoted(field);
      if (peek() == '\r') take();
      const int behind = peek();
      if (behind != kEnd && behind != '\n' && behind != static_cast<unsigned char>(dialect_.delimiter)) {
        note_fault(line_, fmt::format("expected the end of a field behind its closing quote, found \"{}\"", static_cast<char>(behind)));
        read_plain(field);
      }
    } else {
      read_plain(field);
    }
    if (take_row_end()) break;
    take();  // the delimiter
  }
  check_row();
  return true;
}

void CsvReader::check_row() {
  if (is_too_long()) {
    refuse_line(row_line_, fmt::format("expected a row of at most {} bytes, found {}{}", dialect_.max_row_bytes, row_bytes_,
                                  dialect_.quotes ? "; is there a quote that is not closed?" : ""));
  }
  if (!fault_.empty()) refuse_line(fault_line_, fault_);
}

void append_csv_field(std::string_view field, const CsvDialect& dialect, bool is_alone, std::string& out) {
  const char special[] = {'"', '\n', '\r', dialect.delimiter};
  const bool needs_quotes = dialect.quotes && ((is_alone && field.empty()) || field.find_first_of(std::string_view(special, 4)) != std::string_view::npos);
  if (!needs_quotes) {
    out += field;
    return;
  }
  out += '"';
  for (const char byte : field) out.append(byte == '"' ? 2 : 1, byte);
  out += '"';
}

}  // namespace filbert
