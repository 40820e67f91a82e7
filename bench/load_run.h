// Puts load on a server from one thread, and counts what comes back. It shares the machine with the server it measures, so it does little
// for a request: a send, a receive, a clock, a comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load_requests.h"

namespace filbert::bench {

struct LoadOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::size_t connections = 64;     // closed loop: so many requests are in flight, always; open loop: there are at most so many
  double rate = 0;                  // requests a second, at the moments of a Poisson process; 0: a closed loop
  double warmup_s = 2;              // answers before its end are checked, not counted
  double seconds = 10;              // that are counted
  double timeout_s = 60;            // without an answer: lost
  double window_s = 1;
  float tolerance = 0;              // of scores
  std::uint64_t seed = 1;           // of the order of the requests and of the moments
};

struct Window {
  std::size_t answered = 0, refused = 0, texts = 0, tokens = 0;   // texts and tokens of those with status 200
};

struct Completion {
  double at_s = 0;                  // since counting began
  std::size_t texts = 0, tokens = 0;
};

struct Throughput {
  double texts_per_s = 0, tokens_per_s = 0;
};

struct LoadResult {
  double seconds = 0;               // that were counted
  std::size_t sent = 0;             // the rest, warm-up and the requests still under way at the end included
  std::size_t answered = 0;
  std::size_t wrong = 0;            // answers that are not what the library says
  std::size_t lost = 0;             // requests whose connection ended, or that had no answer in timeout_s
  std::size_t not_connected = 0;    // connections that could not be made
  std::size_t without_retry_after = 0;   // of status 429
  std::vector<std::string> problems;     // the first of them, in words
  std::map<int, std::vector<double>> latency_ms;   // by status; in an open loop from the planned moment
  std::vector<double> late_ms;      // how much later than planned requests were sent
  std::vector<Completion> completions;   // those with status 200, in order
  std::vector<Window> windows;
  double cpu_s = 0;                 // of this process
};

// Sends `requests` over and over, in an order of its own for each pass. Throws Error(network) if nothing answers at all.
LoadResult run_load(const std::vector<LoadRequest>& requests, const LoadOptions& options);

// Holds options.connections open, each after a GET of `path` that was answered. Calls `held` with how many there are, then asks again on each, and
// returns how many answered.
std::size_t hold_connections(const std::string& path, const LoadOptions& options, void (*held)(std::size_t connections));

// Of a closed loop: what was completed between the first completions and the last. A server that works in batches completes many at a time, and
// how many of them fall into a fixed time is chance.
Throughput throughput(const std::vector<Completion>& completions, std::size_t connections);

// A line of JSON.
std::string to_json(const LoadResult& result, const LoadOptions& options);

// The value below which the share `quantile` of them lies; 0 of none.
double percentile(std::vector<double>& values, double quantile);

}  // namespace filbert::bench
