// What a handler makes of a request: an answer at once, texts to classify, or work for the slow lane. Handlers are functions of the request
// and of what is served; they never wait. The server does what the plan says (session.cpp), and throws what a handler throws into the words of
// the route's dialect.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <filbert/entities.h>
#include <filbert/pipeline.h>

#include "serve/http_message.h"
#include "serve/problem.h"
#include "serve/served_models.h"

namespace filbert::serve {

struct ServeLimits {
  std::size_t max_concurrent_requests = 512;      // being answered at once, over all connections; more get 429
  std::size_t max_queue_tokens = 262'144;         // waiting for the model; more get 429
  std::size_t max_batch_tokens = 4096;            // through the model at once
  std::size_t max_client_batch_size = 1024;       // texts a request
  std::size_t max_body_bytes = 2'000'000;
  std::size_t max_total_body_bytes = 200'000'000; // of all requests that are being read or answered; more get 429
  std::size_t max_header_bytes = 16'384;
  std::size_t max_connections = 65'536;
  std::optional<std::size_t> max_length = {};     // tokens a text, special ones included; absent: all the model takes
  std::chrono::milliseconds timeout{30'000};      // from the last byte of a request to its answer; a client may ask for less
  std::chrono::milliseconds read_timeout{10'000}; // a header; a body gets this again, and a second more for each 100 kB
  std::chrono::milliseconds idle_timeout{120'000};  // between the requests of a connection
  std::size_t max_explain_requests = 16;          // in the slow lane, waiting or running
  std::chrono::milliseconds explain_timeout{10'000};  // the most that a client may ask for there
};

class Metrics;  // metrics.h

// What a handler may know.
struct ServeContext {
  const ServedModels& models;
  const ServeLimits& limits;
  bool explain = true;       // /explain, /attention and /similar are offered
  bool ready = true;         // false once the server drains
  bool has_api_key = false;
  const Metrics* metrics = nullptr;
  std::uint64_t lost_log_lines = 0;
};

struct ServedText {
  std::string text;
  std::optional<std::string> text_pair = {};
};

// What became of one text: an answer, or why there is none.
struct Outcome {
  Classification classification;
  bool of_tokens = false;                 // the model labels tokens: then the next two are in the place of a classification
  TokenClassification entities = {};
  std::vector<float> token_logits = {};   // [tokens, num_labels], where the plan wants them
  std::optional<Problem> problem = {};
};

struct Timings {
  double tokenize_ms = 0, queue_ms = 0, infer_ms = 0;  // of the slowest text
  double total_ms = 0;                                 // from the last byte of the request
};

struct ClassifyResult {
  std::vector<Outcome> outcomes;   // one a text
  std::size_t total_tokens = 0;    // that were computed
  Timings timings = {};

  // The first problem of any text is thrown: for dialects whose answers have no room for one beside the others.
  void throw_problems() const;
};

struct ClassifyPlan {
  std::shared_ptr<const ServedModel> model;
  std::vector<ServedText> texts = {};
  BatchEncoding rows = {};              // tokenized by the client, in the place of texts
  ClassifyOptions options = {};
  TokenClassificationOptions entities = {};  // in their place, of a model that labels tokens
  bool wants_token_logits = false;      // of such a model; rows that the client tokenized have nothing else
  bool refuse_truncation = false;       // a text that is too long is a problem (invalid), not cut
  std::optional<std::chrono::milliseconds> timeout = {};  // where the dialect has a field for it; the header's otherwise
  std::optional<int> urgency = {};      // 0, the first, to 7, as the header Priority of RFC 9218 has it; 3 if nobody says
  std::function<HttpResponse(const ClassifyPlan&, const ClassifyResult&)> answer = {};
};

// What work in the slow lane has at hand. Its members may be called from the lane's thread alone.
struct SlowWork {
  std::function<bool()> cancelled;                                       // the client is gone or the time is up: end soon
  std::function<void(std::string_view event, std::string_view json)> send;  // a server-sent event; nothing happens where none was asked for
  std::chrono::milliseconds time_left;
};

struct SlowPlan {
  std::shared_ptr<const ServedModel> model;
  std::optional<std::chrono::milliseconds> timeout = {};   // absent: limits.explain_timeout
  bool events = false;   // progress by server-sent events; the answer's body, on one line, is the last of them, "result"
  std::function<HttpResponse(SlowWork&)> run = {};
};

using Plan = std::variant<HttpResponse, ClassifyPlan, SlowPlan>;

// How a dialect says that something went wrong.
using ProblemWriter = HttpResponse (*)(const Problem&);

struct Route {
  std::string_view method;
  // "/models/{name}": one part in braces stands for what is there, slashes included: "/v2/models/{name}/infer" matches with the part
  // "stars-en/versions/1" too. Exact paths go first, then the longest pattern.
  std::string_view path;
  bool needs_key = true;      // where the server has one
  ProblemWriter problem;
  // `part` is what stands in the place of the braces, or empty.
  Plan (*handle)(const HttpRequest& request, std::string_view part, const ServeContext& context);
};

// Each dialect is a file with its table.
std::span<const Route> text_embeddings_inference_routes();  // tei.cpp
std::span<const Route> inference_api_routes();              // inference_api.cpp
std::span<const Route> open_inference_routes();             // open_inference.cpp
std::span<const Route> own_routes();                        // own_api.cpp: /v1/classify, /v1/models, /openapi.json
std::span<const Route> explain_routes();                    // explain_api.cpp: /explain, /attention, /similar
std::span<const Route> page_routes();                       // page.cpp: / and its files
std::span<const Route> metrics_routes();                    // metrics_route.cpp: /metrics

}  // namespace filbert::serve
