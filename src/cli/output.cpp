#include "cli/output.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

bool colors_welcome(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor) && (!no_color || !*no_color) && terminal && std::string_view(terminal) != "dumb";
}

bool is_control(char32_t code_point) {
  return (code_point < 0x20 && code_point != '\n' && code_point != '\t') ||
         (code_point >= 0x7F && code_point < 0xA0);  // DEL and C1, which some terminals obey
}

// Writes all of `text`; returns 0 or the errno of the write that failed.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // someone made our end of the pipe non-blocking
      pollfd wait{descriptor, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void prepare_standard_streams() {
  // A closed descriptor is filled with one that refuses: reading 0 or writing 1 then fails with EBADF, as it should.
  for (const auto& [descriptor, mode] : {std::pair{0, O_WRONLY}, {1, O_RDONLY}, {2, O_RDWR}}) {
    if (::fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) ::open("/dev/null", mode);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_utf8(text, at);
    if (is_control(decoded.code_point)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(decoded.code_point));
    } else {
      append_utf8(decoded.code_point, out);
    }
    at += decoded.bytes;
  }
  return out;
}

Output::Output() : is_terminal_(isatty(STDOUT_FILENO)), colors_(colors_welcome(STDOUT_FILENO)) {}

void Output::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

void Output::flush() {
  const int error = write_all(STDOUT_FILENO, buffer_);
  buffer_.clear();
  if (error == EPIPE) throw ClosedPipe{};
  if (error != 0) throw std::system_error(error, std::generic_category(), "cannot write to standard output");
}

std::string Output::foreign(std::string_view text) const {
  return is_terminal_ ? printable(text) : replace_invalid_utf8(text);
}

std::string Output::shaded(std::string_view text, double strength) const {
  struct Shade {
    int background, foreground;
  };
  constexpr Shade kFor[] = {{230, 16}, {223, 16}, {215, 16}, {172, 16}, {130, 231}};
  constexpr Shade kAgainst[] = {{195, 16}, {153, 16}, {111, 16}, {32, 231}, {25, 231}};
  const double size = std::min(std::abs(strength), 1.0);
  if (!colors_ || !(size >= 0.05)) return std::string(text);
  const int step = std::min(static_cast<int>(size * 5), 4);
  const Shade shade = strength > 0 ? kFor[step] : kAgainst[step];
  return fmt::format("\x1b[48;5;{};38;5;{}m{}\x1b[0m", shade.background, shade.foreground, text);
}

std::string Output::marked(std::string_view text, std::string_view label, std::size_t kind) const {
  constexpr int kBackgrounds[] = {153, 222, 157, 218, 183, 229, 159, 252};  // black text can be read on all of them
  if (!colors_) return fmt::format("[{}]({})", text, label);
  return fmt::format("\x1b[48;5;{};38;5;16m{}\x1b[1m {}\x1b[0m", kBackgrounds[kind % std::size(kBackgrounds)], text, label);
}

std::size_t Output::columns() const {
  winsize size{};
  return is_terminal_ && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string Output::bold(std::string_view text) const {
  return colors_ ? fmt::format("\033[1m{}\033[0m", text) : std::string(text);
}

Messages::Messages(Output& out) : out_(out), colors_(colors_welcome(STDERR_FILENO)) {}

void Messages::error(std::string_view message) { print("", "\033[1;31m", message); }
void Messages::warning(std::string_view message) { print("warning: ", "\033[1;33m", message); }
void Messages::note(std::string_view message) { print("", "\033[1m", message); }

void Messages::print(std::string_view kind, std::string_view color, std::string_view message) {
  if (out_.is_terminal()) out_.flush();  // both appear on one screen: keep their order
  const std::string head = fmt::format("filbert: {}", kind);
  const std::string line = colors_ ? fmt::format("{}{}\033[0m{}\n", color, head, printable(message))
                                   : fmt::format("{}{}\n", head, printable(message));
  write_all(STDERR_FILENO, line);  // nobody is left to tell if this fails
}

}  // namespace filbert::cli
