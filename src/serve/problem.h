// What goes wrong with a request: thrown by handlers, and put into the words of a dialect at the edge.
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <filbert/error.h>

namespace filbert::serve {

enum class ProblemKind {
  malformed,           // not HTTP, not JSON, not UTF-8
  invalid,             // JSON that asks for something that cannot be
  empty,               // no text where one is needed
  unauthorized,        // no key, or a wrong one
  forbidden,           // a route that this server does not offer here
  not_found,           // a route or model that there is not
  method_not_allowed,
  timeout,             // the deadline came before the answer, or the client was too slow to ask
  too_large,           // a body, a header, a number of texts
  unsupported,         // valid, but not something this model can do
  overloaded,          // too much at once; the same request may pass later
  draining,            // the server is about to end, or is not ready yet
  failed,              // our own fault
};

// What each kind means on the wire. Rows stand in the order of ProblemKind.
struct ProblemKindInfo {
  ProblemKind kind;
  std::string_view name;      // "too_large"
  int status;                 // as HTTP has it; a dialect may have another for it
};
const ProblemKindInfo& info(ProblemKind kind);

class Problem : public std::runtime_error {
 public:
  Problem(ProblemKind kind_, const std::string& message, std::optional<int> retry_after_s_ = {})
      : std::runtime_error(message), kind(kind_), retry_after_s(retry_after_s_) {}

  ProblemKind kind;
  std::optional<int> retry_after_s;   // of overloaded and draining
};

// A problem is itself; an Error of the library becomes what it means to a client: its invalid_argument is invalid, and what concerns files of
// the server, or is no exception of ours, is failed with a message that tells nothing of them.
Problem to_problem(const std::exception& error);

}  // namespace filbert::serve
