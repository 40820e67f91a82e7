// What a load gave, as a line of JSON.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "bench/load_run.h"

namespace filbert::bench {
namespace {

constexpr double kSameBatch_s = 0.005;  // at most, between two completions of one
constexpr std::pair<std::string_view, double> kQuantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

void write_quantiles(std::vector<double> values, JsonWriter& json) {
  json.begin_object();
  json.field("count", values.size());
  for (const auto& [name, quantile] : kQuantiles) json.field(name, percentile(values, quantile));
  json.end_object();
}

void write_windows(const LoadResult& result, JsonWriter& json) {
  json.key("windows");
  json.begin_array();
  for (const Window& window : result.windows) {
    json.begin_object();
    json.field("answered", window.answered);
    json.field("refused", window.refused);
    json.field("texts", window.texts);
    json.field("tokens", window.tokens);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

double percentile(std::vector<double>& values, double quantile) {
  if (values.empty()) return 0;
  const auto rank = std::ceil(quantile * static_cast<double>(values.size())) - 1;
  const auto at = values.begin() + std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank), 0, std::ssize(values) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Throughput throughput(const std::vector<Completion>& completions, std::size_t connections) {
  // The first batch began before counting did: it is left out, up to its last completion.
  std::size_t first = 0;
  while (first + 1 < std::min(connections, completions.size()) && completions[first + 1].at_s - completions[first].at_s < kSameBatch_s) ++first;
  if (first + 1 >= completions.size()) return {};
  double texts = 0, tokens = 0;
  for (std::size_t each = first + 1; each < completions.size(); ++each) {
    texts += static_cast<double>(completions[each].texts);
    tokens += static_cast<double>(completions[each].tokens);
  }
  const double seconds = completions.back().at_s - completions[first].at_s;
  return seconds > 0 ? Throughput{texts / seconds, tokens / seconds} : Throughput{};
}

std::string to_json(const LoadResult& result, const LoadOptions& options) {
  std::size_t texts = 0, tokens = 0;
  for (const Window& window : result.windows) {
    texts += window.texts;
    tokens += window.tokens;
  }
  const double seconds = result.seconds;
  const bool open = options.rate > 0;
  const Throughput rates = open ? Throughput{static_cast<double>(texts) / seconds, static_cast<double>(tokens) / seconds}
                                : throughput(result.completions, options.connections);
  JsonWriter json;
  json.begin_object();
  json.field("mode", open ? "open" : "closed");
  json.field("connections", options.connections);
  json.field("rate", options.rate);
  json.field("seconds", seconds);
  json.field("sent", result.sent);
  json.field("answered", result.answered);
  json.field("wrong", result.wrong);
  json.field("lost", result.lost);
  json.field("not_connected", result.not_connected);
  json.field("without_retry_after", result.without_retry_after);
  json.key("problems");
  json.array(result.problems);
  json.field("texts", texts);
  json.field("tokens", tokens);
  json.field("texts_per_s", rates.texts_per_s);
  json.field("tokens_per_s", rates.tokens_per_s);
  json.key("latency_ms");
  json.begin_object();
  for (const auto& [status, values] : result.latency_ms) {
    json.key(std::to_string(status));
    write_quantiles(values, json);
  }
  json.end_object();
  json.key("late_ms");
  write_quantiles(result.late_ms, json);
  json.field("window_s", options.window_s);
  write_windows(result, json);
  json.field("cpu_s", result.cpu_s);
  json.end_object();
  return json.take_line();
}

}  // namespace filbert::bench
