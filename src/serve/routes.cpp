#include "serve/routes.h"

#include <algorithm>
#include <optional>

namespace filbert::serve {
namespace {

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto& table : {own_routes(), text_embeddings_inference_routes(), inference_api_routes(), open_inference_routes(), explain_routes(), metrics_routes(),
                            page_routes()}) {
    all.insert(all.end(), table.begin(), table.end());
  }
  // Patterns behind what is exact, the longer before the shorter: /v2/models/{name}/infer before /v2/models/{name}.
  std::stable_sort(all.begin(), all.end(), [](const Route& left, const Route& right) {
    const bool left_exact = left.path.find('{') == std::string_view::npos, right_exact = right.path.find('{') == std::string_view::npos;
    return left_exact != right_exact ? left_exact : !left_exact && left.path.size() > right.path.size();
  });
  return all;
}

// What stands in the place of the braces; nothing if the path is not of this pattern.
std::optional<std::string_view> part_of(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == path ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open), after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
  return path.substr(before.size(), path.size() - before.size() - after.size());
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = all_routes();
  return all;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  RouteMatch match;
  for (const Route& route : routes()) {
    const auto part = part_of(route.path, path);
    if (!part) continue;
    if (match.problem == nullptr) match.problem = route.problem;
    if (route.method == method) return {&route, std::string(*part), {}, route.problem};
    if (std::find(match.methods.begin(), match.methods.end(), route.method) == match.methods.end()) match.methods.push_back(route.method);
  }
  if (match.problem == nullptr) match.problem = path.starts_with("/v2/") ? open_inference_routes().front().problem : own_problem_writer();
  return match;
}

ProblemWriter own_problem_writer() { return own_routes().front().problem; }

}  // namespace filbert::serve
