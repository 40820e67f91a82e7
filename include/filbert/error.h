// The one exception type of Filbert, and the table of its kinds.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace filbert {

enum class ErrorKind {
  invalid_argument,  // the caller asked for something that cannot be: an option, a text, an id out of range
  not_found,         // a file or directory is not there
  unsupported,       // valid, but not something this version can run
  corrupt,           // a file contradicts itself, its format or its config
  network,           // a download failed
  overloaded,        // too much work at once; the same call may pass later
};

// What each kind means outside the library. Rows stand in the order of ErrorKind.
struct ErrorKindInfo {
  ErrorKind kind;
  std::string_view name;       // "invalid_argument", as JSON carries it
  int exit_code;               // of the command
  int http_status;             // of the server
  std::string_view python;     // the built-in Python exception raised for it
};
std::span<const ErrorKindInfo> error_kinds();
const ErrorKindInfo& info(ErrorKind kind);

// Thrown by every function of the library that cannot go on. `what()` names the file or field, what was expected
// and what was found. The library never prints, aborts or exits.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace filbert
