// The description of the API: every route is in it, and everything in it is a route.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <filbert/version.h>

#include "reference/served.h"
#include "serve/routes.h"

namespace filbert::serve {
namespace {

using nlohmann::json;

json document() {
  static const json parsed = reference::Served(reference::TinyCheckpoint{}).get("/openapi.json").json();
  return parsed;
}

std::string lower(std::string_view method) { return method == "GET" ? "get" : method == "POST" ? "post" : std::string(method); }

TEST(OpenApi, EveryRouteIsDescribed) {
  const json paths = document().at("paths");
  for (const Route& route : routes()) {
    const std::string path(route.path);
    ASSERT_TRUE(paths.contains(path)) << path;
    ASSERT_TRUE(paths[path].contains(lower(route.method))) << route.method << " " << path;
    const bool open = paths[path][lower(route.method)].value("security", json("key")) == json::array();
    EXPECT_EQ(open, !route.needs_key) << route.method << " " << path << ": whether a key is needed";
  }
}

TEST(OpenApi, EveryDescriptionIsARoute) {
  std::set<std::string> ids;
  const json paths = document().at("paths");
  for (const auto& [path, operations] : paths.items()) {
    for (const auto& [method, operation] : operations.items()) {
      const RouteMatch match = find_route(method == "get" ? "GET" : "POST", path);
      EXPECT_NE(match.route, nullptr) << method << " " << path;
      EXPECT_TRUE(ids.insert(operation.at("operationId")).second) << operation["operationId"];
      EXPECT_FALSE(operation.at("summary").get<std::string>().empty());
      EXPECT_EQ(operation.contains("requestBody"), method == "post" && path != "/v2/repository/index") << path;
    }
  }
}

// Of a reference its target is there.
void expect_targets(const json& value) {
  if (value.is_object() && value.contains("$ref")) {
    const std::string target = value["$ref"];
    ASSERT_TRUE(target.starts_with("#/")) << target;
    EXPECT_TRUE(document().contains(json::json_pointer(target.substr(1)))) << target;
  }
  if (value.is_structured()) {
    for (const json& each : value) expect_targets(each);
  }
}

TEST(OpenApi, ReferencesHaveTheirTargets) { expect_targets(document()); }

TEST(OpenApi, SaysItsVersion) {
  EXPECT_EQ(document()["info"]["version"], FILBERT_VERSION);
  EXPECT_EQ(document()["openapi"], "3.1.0");
}

}  // namespace
}  // namespace filbert::serve
