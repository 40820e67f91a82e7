// A line is made by the thread that has something to say, and goes into a queue of bounded size; one thread writes the queue out. So neither a
// disk that hangs nor a reader that stalls holds up an answer: the queue fills, and lines are lost and counted.
#include "serve/log.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <type_traits>
#include <utility>

#include <filbert/error.h>

#include "base/json_writer.h"
#include "serve/log_writer.h"

namespace filbert::serve {
namespace {

constexpr std::size_t kMaxPath = 200;

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "off"};   // in the order of LogLevel

std::string_view name_of(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

// RFC 3339 in UTC, to the millisecond.
std::string time_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, now.time_since_epoch().count() % 1000);
}

JsonWriter begin_line(LogLevel level, std::string_view message) {
  JsonWriter line;
  line.begin_object();
  line.field("time", time_now());
  line.field("level", name_of(level));
  line.field("message", message);
  return line;
}

double to_the_microsecond(double milliseconds) { return std::round(milliseconds * 1e3) / 1e3; }

// What a request may not have is left out where it has none.
void optional_field(JsonWriter& line, std::string_view name, std::string_view content) {
  if (!content.empty()) line.field(name, content);
}

void write_texts(JsonWriter& line, const AccessRecord& record) {
  if (record.texts == 0) return;
  line.field("texts", record.texts);
  line.field("tokens", record.tokens);
  line.field("truncated", record.truncated);
  line.field("tokenize_ms", to_the_microsecond(record.tokenize_ms));
  line.field("queue_ms", to_the_microsecond(record.queue_ms));
  line.field("infer_ms", to_the_microsecond(record.infer_ms));
}

std::string access_line(const AccessRecord& record) {
  JsonWriter line = begin_line(LogLevel::info, "request");
  line.field("request_id", record.request_id);
  line.field("trace_id", record.trace.trace_id);
  line.field("span_id", record.trace.span_id);
  optional_field(line, "parent_id", record.trace.parent_id);
  line.field("remote", record.remote);
  line.field("method", record.method);
  line.field("path", std::string_view(record.path).substr(0, kMaxPath));
  line.field("route", record.route);
  line.field("status", record.status);
  optional_field(line, "problem", record.problem);
  optional_field(line, "model", record.model);
  line.field("bytes_in", record.bytes_in);
  line.field("bytes_out", record.bytes_out);
  line.field("total_ms", to_the_microsecond(record.total_ms));
  write_texts(line, record);
  if (!record.logged_texts.empty()) {
    line.key("logged_texts");
    line.array(record.logged_texts);
  }
  line.end_object();
  return line.take_line();
}

std::string lost_line(std::uint64_t lines) {
  JsonWriter line = begin_line(LogLevel::warning, "log lines were lost");
  line.field("lines", lines);
  line.end_object();
  return line.take_line();
}

}  // namespace

LogLevel log_level_from_name(std::string_view name) {
  for (std::size_t level = 0; level < kLevels.size(); ++level) {
    if (kLevels[level] == name) return static_cast<LogLevel>(level);
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("log level: expected one of {}, found \"{}\"", fmt::join(kLevels, ", "), name));
}

struct Log::Impl {
  std::optional<std::filesystem::path> file;
  LogLevel least;
  LogWriter writer;
};

Log::Log(std::optional<std::filesystem::path> file, LogLevel least)
    : impl_(new Impl{file, least, LogWriter(file ? open_log_file(*file) : open_standard_error(), lost_line)}) {}

Log::~Log() = default;

void Log::access(const AccessRecord& record) {
  if (impl_->least <= LogLevel::info) impl_->writer.write(access_line(record));
}

void Log::event(LogLevel level, std::string_view message, const HttpFields& fields) {
  if (level < impl_->least || level == LogLevel::off) return;
  JsonWriter line = begin_line(level, message);
  for (const auto& [name, content] : fields) line.field(name, content);
  line.end_object();
  impl_->writer.write(line.take_line());
}

void Log::reopen() {
  if (!impl_->file) return;
  try {
    impl_->writer.write_to(open_log_file(*impl_->file));
  } catch (const Error& error) {   // what is open still takes lines
    event(LogLevel::error, "the log file could not be opened again", {{"error", error.what()}});
  }
}

std::uint64_t Log::lost() const { return impl_->writer.lost(); }

}  // namespace filbert::serve
