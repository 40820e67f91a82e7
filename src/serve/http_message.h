// A request and its answer as the dialects see them: no socket and no HTTP library, so that each is tested and fuzzed as a function.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace filbert::serve {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = {};    // "POST"
  std::string path = {};      // percent-decoded, without the query: "/models/stars-en"
  HttpFields query = {};      // percent-decoded, in order
  HttpFields headers = {};    // names in lower case
  std::string body = {};

  // The first of that name, or empty. Valid while the request lives.
  std::string_view header(std::string_view name) const;
  std::string_view parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  HttpFields headers = {};
  std::string body = {};
};

// Splits and decodes a request target: "/a%20b?c=d+e" becomes "/a b" and {{"c", "d e"}}. A "%" that no two hexadecimal digits follow stands for
// itself.
void set_target(std::string_view target, HttpRequest& request);

}  // namespace filbert::serve
