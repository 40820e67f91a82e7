// Tables of text: rows of fields with commas, or another byte, between (RFC 4180). Read as a stream: a row at a time is in memory. Why not
// libcsv: it takes the spaces off the ends of fields, ends a row at a lone carriage return, and names no line. Tested by csv_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace filbert {

struct CsvDialect {
  char delimiter = ',';
  bool quotes = true;  // a field may stand in double quotes, with "" for each of its own; false: a quote is a byte like others
  std::size_t max_row_bytes = 64 << 20;
};

// "\n" or "\r\n" ends a row, the last may end without; a byte order mark at the start is skipped; bytes stay what they are, ill-formed
// UTF-8 included.
class CsvReader {
 public:
  // Fills a part of `buffer` and says how much; 0 at the end. May throw.
  using Source = std::function<std::size_t(std::span<char> buffer)>;

  CsvReader(Source source, CsvDialect dialect) : source_(std::move(source)), dialect_(dialect) {}

  // The next row; false at the end. A blank line is a row of one empty field. Throws Error(invalid_argument) that begins with the line: a
  // quote that is not closed, something behind one that is, a row of more than max_row_bytes, a file in UTF-16; and what `source` throws.
  // A row at fault has been read to its end by then, and `fields` has of it what fits: the next call goes on behind it, if can_go_on().
  bool next(std::vector<std::string>& fields);
  // False once a fault leaves no way to tell where the next row begins: of a quote that is not closed, and of UTF-16.
  bool can_go_on() const { return can_go_on_; }
  // Where the row that next() gave begins: 1 is the first line.
  std::size_t line() const { return row_line_; }
  // Of the file, up to behind that row.
  std::uint64_t bytes_read() const { return before_buffer_ + at_; }

 private:
  static constexpr int kEnd = -1;
  int peek();
  int take();
  void skip_byte_order_mark();
  void read_quoted(std::string& field);
  void read_plain(std::string& field);
  bool take_row_end();
  void append(std::string_view bytes, std::string& field);
  bool is_too_long() const { return row_bytes_ > dialect_.max_row_bytes; }
  void check_row();
  void note_fault(std::size_t line, std::string message);

  Source source_;
  CsvDialect dialect_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t before_buffer_ = 0;
  std::size_t line_ = 1;      // of what take() gives next
  std::size_t row_line_ = 0;
  std::size_t row_bytes_ = 0;
  std::size_t fault_line_ = 0;
  std::string fault_;         // of the row, the first
  std::string dropped_;       // fields of a row that is too long
  bool can_go_on_ = true;
  bool at_start_ = true;
  bool at_end_ = false;
};

// Appends the field as CsvReader reads it back: in quotes if it has to be. With a dialect without quotes the field must hold neither the
// delimiter nor a line end. `is_alone`: the only field of its row, which if it were empty would be a blank line.
void append_csv_field(std::string_view field, const CsvDialect& dialect, bool is_alone, std::string& out);

}  // namespace filbert
