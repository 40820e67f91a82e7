// What the server says of itself and of each request, a line of JSON each, without texts unless asked. A log that cannot be written (its pipe is
// closed, its disk full) never stops an answer: lines are lost, counted, and the count is said once writing works again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http_message.h"

namespace filbert::serve {

// W3C Trace Context (https://www.w3.org/TR/trace-context/): the client's trace goes on with a span of ours.
struct TraceContext {
  std::string trace_id;    // 32 hexadecimal digits
  std::string parent_id;   // the client's span, 16 digits; empty if the trace begins here
  std::string span_id;     // ours
  bool sampled = false;
  std::string traceparent() const;   // with our span, for whoever comes next
};
// An ill-formed or missing header begins a new trace, as the specification has it.
TraceContext trace_context(std::string_view traceparent);

// X-Request-Id of the client if it has at most 128 characters of letters, digits and ".-_:/+=@", else a new one.
std::string request_id(std::string_view wanted);

struct AccessRecord {
  std::string request_id;
  TraceContext trace;
  std::string remote;        // address of the client
  std::string method, path;  // as asked for; of the path the log has 200 bytes
  std::string_view route;    // of the table
  int status = 0;
  std::string problem;       // what went wrong, if so
  std::string model;
  std::size_t texts = 0, tokens = 0, truncated = 0;
  std::size_t bytes_in = 0, bytes_out = 0;
  double total_ms = 0, tokenize_ms = 0, queue_ms = 0, infer_ms = 0;
  std::vector<std::string> logged_texts;   // only with --log-texts
};

enum class LogLevel { debug, info, warning, error, off };
LogLevel log_level_from_name(std::string_view name);   // "debug", "info", "warning", "error", "off"; throws Error(invalid_argument)

// Every member may be called from many threads at once, and none waits for a slow reader longer than a pipe's buffer takes.
class Log {
 public:
  // `file` absent: standard error.
  Log(std::optional<std::filesystem::path> file, LogLevel least);
  ~Log();

  void access(const AccessRecord& record);                                         // at level info
  void event(LogLevel level, std::string_view message, const HttpFields& fields = {});
  void reopen();                                                                   // after a rotation moved the file
  std::uint64_t lost() const;                                                      // lines

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert::serve
