// Load on a server of texts: serve_load MODE … with one of
//   run REQUESTS     closed loop of --connections, or open loop at --rate a second; every answer is compared with what the line expects
//   hold PATH        --connections idle ones: prints {"held"}, waits for the end of standard input, asks on each again, prints {"answered"}
//   library REQUESTS --model DIR   no server: the library is called for one request after the other, after --pause milliseconds each; its time
// Prints a line of JSON. tools/bench --serve runs it; docs/benchmark.md says what its figures mean.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "base/json_writer.h"
#include "bench/load_run.h"

namespace {

using filbert::Error;
using filbert::ErrorKind;
using filbert::bench::LoadOptions;

struct Options {
  LoadOptions load;
  std::vector<std::string> headers;
  std::string model;
  unsigned threads = 0;
  double pause_ms = 0;
};

double number(const std::string& option, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0') throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a number, found \"{}\"", option, text));
  return value;
}

Options read_options(int argc, char** argv) {
  Options options;
  LoadOptions& load = options.load;
  const std::map<std::string, std::function<void(const std::string&, const char*)>> table = {
      {"--port", [&](const auto& name, const char* text) { load.port = static_cast<std::uint16_t>(number(name, text)); }},
      {"--address", [&](const auto&, const char* text) { load.address = text; }},
      {"--connections", [&](const auto& name, const char* text) { load.connections = static_cast<std::size_t>(number(name, text)); }},
      {"--rate", [&](const auto& name, const char* text) { load.rate = number(name, text); }},
      {"--warmup", [&](const auto& name, const char* text) { load.warmup_s = number(name, text); }},
      {"--seconds", [&](const auto& name, const char* text) { load.seconds = number(name, text); }},
      {"--timeout", [&](const auto& name, const char* text) { load.timeout_s = number(name, text); }},
      {"--window", [&](const auto& name, const char* text) { load.window_s = number(name, text); }},
      {"--tolerance", [&](const auto& name, const char* text) { load.tolerance = static_cast<float>(number(name, text)); }},
      {"--seed", [&](const auto& name, const char* text) { load.seed = static_cast<std::uint64_t>(number(name, text)); }},
      {"--threads", [&](const auto& name, const char* text) { options.threads = static_cast<unsigned>(number(name, text)); }},
      {"--pause", [&](const auto& name, const char* text) { options.pause_ms = number(name, text); }},
      {"--header", [&](const auto&, const char* text) { options.headers.push_back(text); }},
      {"--model", [&](const auto&, const char* text) { options.model = text; }},
  };
  for (int at = 3; at < argc; at += 2) {
    const auto found = table.find(argv[at]);
    if (found == table.end() || at + 1 == argc) {
      throw Error(ErrorKind::invalid_argument, fmt::format("expected options with a value each, found \"{}\"", argv[at]));
    }
    found->second(found->first, argv[at + 1]);
  }
  return options;
}

std::vector<filbert::bench::LoadRequest> requests_of(const char* path, const Options& options) {
  return filbert::bench::read_requests(path, {.host = fmt::format("{}:{}", options.load.address, options.load.port), .headers = options.headers});
}

void run(const char* path, const Options& options) {
  const auto requests = requests_of(path, options);
  std::fputs(to_json(run_load(requests, options.load), options.load).c_str(), stdout);
}

void hold(const char* path, const Options& options) {
  const std::size_t answered = filbert::bench::hold_connections(path, options.load, [](std::size_t connections) {
    std::printf("{\"held\": %zu}\n", connections);
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
  });
  std::printf("{\"answered\": %zu}\n", answered);
}

void call_library(const char* path, const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto requests = requests_of(path, options);
  const auto classifier = filbert::pipeline("text-classification", options.model, filbert::ModelOptions{.num_threads = options.threads});
  std::vector<double> milliseconds;
  const auto start = Clock::now();
  const std::chrono::duration<double> warmup(options.load.warmup_s), all(options.load.warmup_s + options.load.seconds);
  for (std::size_t call = 0; Clock::now() - start < all; ++call) {
    const auto& texts = requests[call % requests.size()].texts;
    std::vector<filbert::TextInput> inputs;
    for (const std::string& text : texts) inputs.push_back({text});
    if (options.pause_ms > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(options.pause_ms));
    const auto before = Clock::now();
    classifier(inputs);
    if (before - start >= warmup) milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
  }
  filbert::JsonWriter json;
  json.begin_object();
  json.field("calls", milliseconds.size());
  json.field("p50", filbert::bench::percentile(milliseconds, 0.5));
  json.field("p99", filbert::bench::percentile(milliseconds, 0.99));
  json.end_object();
  std::fputs(json.take_line().c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string_view, void (*)(const char*, const Options&)> modes = {{"run", run}, {"hold", hold}, {"library", call_library}};
  const auto mode = argc < 3 ? modes.end() : modes.find(argv[1]);
  if (mode == modes.end()) {
    std::fprintf(stderr, "usage: serve_load run REQUESTS | hold PATH | library REQUESTS [--port N] [--connections N] [--rate N] [--seconds N] …\n");
    return 2;
  }
  try {
    mode->second(argv[2], read_options(argc, argv));
  } catch (const Error& error) {
    std::fprintf(stderr, "serve_load: %s\n", error.what());
    return filbert::info(error.kind()).exit_code;
  }
}
