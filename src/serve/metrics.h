// What the server counts, as Prometheus reads it. docs/serve.md lists the names.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <filbert/pipeline.h>

#include "serve/plan.h"

namespace filbert::serve {

// Every member may be called from many threads at once.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A request was answered; `route` is the pattern of the table ("/models/{name}"), "none" for what matched no route.
  void answered(std::string_view route, std::string_view method, int status, double seconds);
  // The stages of a request that was classified.
  void stages(const Timings& timings);
  // A batch went through the model.
  void batch(std::string_view model, std::size_t texts, std::size_t tokens, double seconds);
  // The model's health: what it said of a text.
  void outcome(std::string_view model, const Outcome& outcome, std::size_t unknown_tokens, std::size_t tokens);
  void set_queue(std::size_t texts, std::size_t tokens);
  void set_in_flight(std::size_t requests);
  void set_connections(std::size_t connections);
  void set_slow_lane(std::size_t requests);
  void refused(ProblemKind kind);          // shed: overloaded, timeout, draining, too_large, unauthorized
  void client_gone();                      // work dropped because nobody waits for it
  void reloaded(bool succeeded);

  std::string text() const;                // text/plain; version=0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert::serve
