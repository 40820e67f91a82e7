// The routes of all dialects, as one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> routes();

struct RouteMatch {
  const Route* route = nullptr;        // null: nothing is there, or not by this method
  std::string part;                    // of the path, in the place of the route's braces
  std::vector<std::string_view> methods;  // of the routes that are there, where none has the method that was asked for
  ProblemWriter problem = nullptr;     // of the dialect that the path belongs to
};
// HEAD finds what GET would. Exact paths go before those with a part.
RouteMatch find_route(std::string_view method, std::string_view path);

// How to say that something went wrong before there is a path, and where none is known.
ProblemWriter own_problem_writer();

}  // namespace filbert::serve
