#include "serve/http_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace filbert::serve {
namespace {

// RFC 9110, 5.6.7. Formatted once a second.
std::string_view date() {
  thread_local std::time_t last = -1;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    last = now;
  }
  return {text.data(), length};
}

}  // namespace

std::string_view reason_phrase(int status) {
  constexpr std::pair<int, std::string_view> kPhrases[] = {
      {200, "OK"}, {204, "No Content"}, {304, "Not Modified"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
      {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {413, "Content Too Large"}, {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"}, {424, "Failed Dependency"}, {429, "Too Many Requests"}, {500, "Internal Server Error"},
      {501, "Not Implemented"}, {503, "Service Unavailable"}};
  const auto* found = std::find_if(std::begin(kPhrases), std::end(kPhrases), [&](const auto& row) { return row.first == status; });
  return found == std::end(kPhrases) ? "Status" : found->second;
}

std::string response_head(const HttpResponse& response, const HttpFields& more_fields, const Framing& framing) {
  std::string head;
  head.reserve(512 + response.body.size());  // of a whole answer: the body follows in the same piece of memory
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\ndate: {}\r\n", response.status, reason_phrase(response.status), date());
  if (!response.content_type.empty()) fmt::format_to(out, "content-type: {}\r\nx-content-type-options: nosniff\r\n", response.content_type);
  const bool has_body = response.status != 204 && response.status != 304;
  if (framing.chunked) {
    fmt::format_to(out, "transfer-encoding: chunked\r\n");
  } else if (has_body) {
    fmt::format_to(out, "content-length: {}\r\n", response.body.size());
  }
  if (!framing.goes_on) fmt::format_to(out, "connection: close\r\n");
  if (framing.goes_on && framing.is_http_10) fmt::format_to(out, "connection: keep-alive\r\n");
  for (const HttpFields* fields : {&response.headers, &more_fields}) {
    for (const auto& [name, value] : *fields) fmt::format_to(out, "{}: {}\r\n", name, value);
  }
  head += "\r\n";
  return head;
}

std::string chunk(std::string_view text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); }

std::string event_text(std::string_view event, std::string_view json) {
  while (json.ends_with('\n')) json.remove_suffix(1);
  return fmt::format("event: {}\ndata: {}\n\n", event, json);
}

}  // namespace filbert::serve
