// A request and what becomes of it: from the route to the answer, its line in the log and its place in the metrics.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/event_queue.h"
#include "serve/log.h"
#include "serve/loop.h"
#include "serve/plan.h"
#include "serve/server_state.h"

namespace filbert::serve {

// One of the requests that are being answered at once.
class InFlight {
 public:
  explicit InFlight(ServerState& state);   // throws Problem(overloaded) if there are too many
  ~InFlight();
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  ServerState& state_;
};

// The bytes of a request's body, from the first that is read until it is destroyed.
class BodyBytes {
 public:
  explicit BodyBytes(ServerState& state) : state_(state) {}
  ~BodyBytes() { release(); }
  BodyBytes(const BodyBytes&) = delete;
  BodyBytes& operator=(const BodyBytes&) = delete;

  // Both throw Problem(overloaded) if those of all requests together would be more than max_total_body_bytes, and then count nothing.
  void check_room(std::size_t bytes) const;   // for a body of which nothing has been read
  void grow_to(std::size_t bytes);            // what has been read by now
  void release();                             // the body is gone

 private:
  ServerState& state_;
  std::size_t bytes_ = 0;
};

struct Exchange {
  Loop& loop;
  HttpRequest request;
  std::function<bool()> gone;                       // whether the client has left; may be asked from any thread until the answer is written
  Clock::time_point begin = Clock::now();           // the last byte of the request
  AccessRecord record = {};
  HttpFields fields = {};                           // of the answer, beside its own
  std::optional<ProblemKind> problem = {};
  std::optional<InFlight> in_flight = {};
  std::shared_ptr<EventQueue> events = {};          // the answer's body, piece by piece, in the place of HttpResponse::body
};

asio::awaitable<HttpResponse> answer(Exchange& exchange);

// The answer was written, or could not be.
void finish(Exchange& exchange, const HttpResponse& response, bool written, std::size_t bytes_in, std::size_t bytes_out);

// The answer to bytes that are no request.
std::string refusal(ServerState& state, const Problem& problem, const std::string& remote);

}  // namespace filbert::serve
