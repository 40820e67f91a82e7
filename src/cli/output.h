// What the command prints: answers on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

namespace filbert::cli {

// Thrown when the reader of standard output has gone away (`filbert … | head`): a quiet end, not an error.
struct ClosedPipe {};

// Makes sure that descriptors 0, 1 and 2 are taken, so that no file opened later becomes "standard output", and that
// writing to a closed pipe is an error code and not a signal.
void prepare_standard_streams();

// `text` with control characters (but \n and \t) spelled out, as \x1b: text of others must not drive the terminal.
// Ill-formed UTF-8 is replaced.
std::string printable(std::string_view text);

// Standard output, buffered.
class Output {
 public:
  Output();

  bool is_terminal() const { return is_terminal_; }
  void write(std::string_view text);
  // Throws ClosedPipe, or std::system_error that names standard output (a full disk).
  void flush();

  // Text from outside as this output shows it: printable on a terminal, valid UTF-8 elsewhere.
  std::string foreign(std::string_view text) const;
  // `text` in bold, where colours are welcome: a terminal, TERM not dumb, NO_COLOR unset or empty.
  std::string bold(std::string_view text) const;
  // `text` on orange for what speaks for something, on blue for what speaks against it, where colours are welcome; the deeper the nearer
  // `strength` is to 1 or −1.
  std::string shaded(std::string_view text, double strength) const;
  // `text` with the label that it has: on a colour of the label's own, of those there are the one at `kind`, where colours are welcome; elsewhere
  // [text](label).
  std::string marked(std::string_view text, std::string_view label, std::size_t kind) const;
  // Columns of the terminal, 80 where there is none.
  std::size_t columns() const;

 private:
  bool is_terminal_;
  bool colors_;
  std::string buffer_;
};

constexpr const char* kClearLine = "\r\033[K";  // of a terminal, to write it anew

// Standard error. A message is one line, "filbert: …"; what it quotes is made printable.
class Messages {
 public:
  explicit Messages(Output& out);

  void error(std::string_view message);
  void warning(std::string_view message);
  void note(std::string_view message);

 private:
  void print(std::string_view kind, std::string_view color, std::string_view message);

  Output& out_;
  bool colors_;
};

}  // namespace filbert::cli
