// HTTP requests, by libcurl: proxies, TLS, IPv6. The library is loaded when the first request is made: most runs make none, and
// loading it and what it needs takes 9 ms, a fifth of a cold start.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace filbert {

struct HttpRequest {
  std::string url;                        // http or https
  bool head = false;                      // HEAD, else GET
  std::vector<std::string> headers = {};  // "Range: bytes=10-"
  long timeout_s = 10;                    // to connect, and without a single byte
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string, std::less<>> headers = {};  // names in lower case; of two with one name the last
  std::string redirect_url = {};                                 // absolute; empty unless `status` is a redirect
  std::optional<long> retry_after_s = {};

  std::string_view header(std::string_view lower_case_name) const;  // empty if there is none
};

// Gets the body piece by piece, with what is known of the response: all but redirect_url and retry_after_s.
using HttpSink = std::function<void(const HttpResponse& response, std::string_view piece)>;

// Keeps its connections for the next request. One thread at a time.
class HttpClient {
 public:
  // Throws Error(unsupported) if libcurl is not installed.
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One request; redirects are not followed, nothing is tried again. Throws Error(network), with the URL and the reason, if there is no
  // whole answer, and whatever `sink` throws.
  HttpResponse operator()(const HttpRequest& request, const HttpSink& sink = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert
