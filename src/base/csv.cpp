#include "base/csv.h"

#include <string_view>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

[[noreturn]] void refuse(std::size_t line, std::string_view message) {
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
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) refuse(1, "expected UTF-8, found UTF-16");
  if (start.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

void CsvReader::append(int byte, std::string& field) {
  if (++row_bytes_ > dialect_.max_row_bytes) {
    refuse(row_line_, fmt::format("expected a row of at most {} bytes, found more{}", dialect_.max_row_bytes,
                                  dialect_.quotes ? "; is there a quote that is not closed?" : ""));
  }
  field.push_back(static_cast<char>(byte));
}

// From behind the opening quote to behind the closing one.
void CsvReader::read_quoted(std::string& field) {
  const std::size_t opened = line_;
  while (true) {
    const int byte = take();
    if (byte == kEnd) refuse(opened, "expected a second quote to close a field, found the end of the file");
    if (byte == '"' && peek() != '"') return;
    if (byte == '"') take();
    append(byte, field);
  }
}

// Up to the delimiter or the end of the row, which stay.
void CsvReader::read_plain(std::string& field) {
  while (true) {
    const int byte = peek();
    if (byte == kEnd || byte == '\n' || byte == static_cast<unsigned char>(dialect_.delimiter)) return;
    take();
    if (byte == '\r' && (peek() == '\n' || peek() == kEnd)) return;
    append(byte, field);
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
  while (true) {
    std::string& field = fields.emplace_back();
    append(' ', field);  // many empty fields are many bytes as well
    field.clear();
    if (dialect_.quotes && peek() == '"') {
      take();
      read_quoted(field);
      if (peek() == '\r') take();
      const int behind = peek();
      if (behind != kEnd && behind != '\n' && behind != static_cast<unsigned char>(dialect_.delimiter)) {
        refuse(line_, fmt::format("expected the end of a field behind its closing quote, found \"{}\"", static_cast<char>(behind)));
      }
    } else {
      read_plain(field);
    }
    if (take_row_end()) return true;
    take();  // the delimiter
  }
}

}  // namespace filbert
