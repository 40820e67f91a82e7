#include "serve/problem.h"

#include <cstddef>

namespace filbert::serve {
namespace {

constexpr ProblemKindInfo kKinds[] = {
    {ProblemKind::malformed, "malformed", 400},
    {ProblemKind::invalid, "invalid", 400},
    {ProblemKind::empty, "empty", 400},
    {ProblemKind::unauthorized, "unauthorized", 401},
    {ProblemKind::forbidden, "forbidden", 403},
    {ProblemKind::not_found, "not_found", 404},
    {ProblemKind::method_not_allowed, "method_not_allowed", 405},
    {ProblemKind::timeout, "timeout", 408},
    {ProblemKind::too_large, "too_large", 413},
    {ProblemKind::unsupported, "unsupported", 501},
    {ProblemKind::overloaded, "overloaded", 429},
    {ProblemKind::draining, "draining", 503},
    {ProblemKind::failed, "failed", 500},
};

constexpr bool kinds_in_order() {
  std::size_t at = 0;
  for (const ProblemKindInfo& row : kKinds) {
    if (row.kind != static_cast<ProblemKind>(at++)) return false;
  }
  return true;
}
static_assert(kinds_in_order());

}  // namespace

const ProblemKindInfo& info(ProblemKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

Problem to_problem(const std::exception& error) {
  if (const auto* problem = dynamic_cast<const Problem*>(&error)) return *problem;
  if (const auto* known = dynamic_cast<const Error*>(&error)) {
    switch (known->kind()) {
      case ErrorKind::invalid_argument: return {ProblemKind::invalid, known->what()};
      case ErrorKind::unsupported: return {ProblemKind::unsupported, known->what()};
      case ErrorKind::overloaded: return {ProblemKind::overloaded, known->what(), 1};
      default: break;
    }
  }
  return {ProblemKind::failed, "the server failed; its log says why, under this request's id"};
}

}  // namespace filbert::serve
