// Lines of a file descriptor: "\n" or "\r\n" ends one, the last may end without; a byte order mark at the start is
// skipped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace filbert::cli {

// The first line of a text in memory, without its "\n"; `rest` then begins after it. `rest` must not be empty.
std::string_view take_line(std::string_view& rest);

class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  // The next line without its end, valid until the next call; nothing at the end of the file. Throws std::system_error
  // if reading fails, Error(invalid_argument) at a line longer than kMaxLineBytes.
  std::optional<std::string_view> next();
  // Whether next() would return at once. Reads what is there.
  bool ready();

  static constexpr std::size_t kMaxLineBytes = 64 << 20;

 private:
  bool has_line();
  void fill();

  int descriptor_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the next line in buffer_
  std::size_t scanned_ = 0;  // no line end lies before
  std::size_t line_ = 0;     // lines returned
  bool at_end_ = false;
};

}  // namespace filbert::cli
