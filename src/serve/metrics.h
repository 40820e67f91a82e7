// What the server counts, as Prometheus reads it. docs/serve_metrics.md lists the names.
//
// A call is a look-up under a shared lock and an addition, well under a microsecond: many threads make thousands a second. No label grows without
// bound: routes are those of the tables, methods and codes are few, and what a model says is one of its labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <filbert/entities.h>
#include <filbert/pipeline.h>

#include "serve/plan.h"

namespace filbert::serve {

// Every member may be called from many threads at once.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // What is served from now on: models and their labels are there with a count of 0 before the first request, so that the first can be told
  // from none.
  void set_models(const ServedModels& models);
  // A request was answered; `route` is the pattern of the table ("/models/{name}"), "none" for what matched no route.
  void answered(std::string_view route, std::string_view method, int status, double seconds);
  // The stages of a request that was classified, from milliseconds.
  void stages(const Timings& timings);
  // A batch went through the model.
  void batch(std::string_view model, std::size_t texts, std::size_t tokens, double seconds);
  // The model's health: what it said of a text. `tokens` are those of the text, `unknown_tokens` those among them that are [UNK] or its like.
  void outcome(std::string_view model, const Outcome& outcome, std::size_t unknown_tokens, std::size_t tokens);
  // And what it found in one, besides, if it labels tokens.
  void entities(std::string_view model, std::span<const Entity> entities);
  void set_queue(std::size_t texts, std::size_t tokens);
  // By how many there are more, or fewer: threads that say at once how many there are would be heard in any order.
  void add_in_flight(int requests);
  void add_connections(int connections);
  void add_body_bytes(std::ptrdiff_t bytes);
  void set_slow_lane(std::size_t requests);
  void refused(ProblemKind kind);          // shed: overloaded, timeout, draining, too_large, unauthorized; others are errors of clients, and not counted here
  void client_gone();                      // work dropped because nobody waits for it
  void reloaded(bool succeeded);

  // What /metrics answers, as text/plain; version=0.0.4. `lost_log_lines` is what Log::lost() says.
  std::string text(std::uint64_t lost_log_lines = 0) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert::serve
