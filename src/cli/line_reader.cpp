#include "cli/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <filbert/error.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kLineReadBytes = 256 * 1024;

bool wait_for_input(int descriptor, int timeout_ms) {
  pollfd wait{descriptor, POLLIN, 0};
  return ::poll(&wait, 1, timeout_ms) != 0;  // an error counts: read() will say which
}

}  // namespace

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

std::optional<std::string_view> LineReader::next() {
  while (!has_line() && !at_end_) fill();
  if (begin_ == buffer_.size()) return std::nullopt;
  std::string_view line = std::string_view(buffer_).substr(begin_, scanned_ - begin_);
  begin_ = scanned_ = std::min(scanned_ + 1, buffer_.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line_++ == 0 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  return line;
}

bool LineReader::ready() {
  while (!has_line() && !at_end_) {
    if (!wait_for_input(descriptor_, 0)) return false;
    fill();
  }
  return true;
}

// Moves scanned_ to the next line end, or to the end of the buffer.
bool LineReader::has_line() {
  scanned_ = std::min(buffer_.find('\n', scanned_), buffer_.size());
  if (scanned_ - begin_ > kMaxLineBytes) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("line {}: expected at most {} bytes, found more", line_ + 1, kMaxLineBytes));
  }
  return scanned_ < buffer_.size();
}

void LineReader::fill() {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kLineReadBytes);
  ssize_t count = 0;
  while ((count = ::read(descriptor_, buffer_.data() + kept, kLineReadBytes)) < 0) {
    if (errno == EAGAIN) {
      wait_for_input(descriptor_, -1);
    } else if (errno != EINTR) {
      const int error = errno;
      buffer_.resize(kept);
      throw std::system_error(error, std::generic_category(), "cannot read standard input");
    }
  }
  buffer_.resize(kept + static_cast<std::size_t>(count));
  at_end_ = count == 0;
}

}  // namespace filbert::cli
