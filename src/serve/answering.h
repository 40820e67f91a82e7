// The way of a request that needs no waiting: may it come in, its texts to rows, rows' logits to outcomes. Tested by answering_test.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "serve/batcher.h"
#include "serve/plan.h"
#include "serve/server_state.h"

namespace filbert::serve {

// Throws Problem(unauthorized) unless the request has one of the keys, as "Authorization: Bearer KEY" or "X-API-Key: KEY".
void check_key(const HttpRequest& request, const std::vector<std::string>& api_keys);

// What a page of another origin gets to see; nothing unless that origin may ask. A preflight is answered by `preflight`.
HttpFields cors_fields(const HttpRequest& request, const std::vector<std::string>& origins);
bool is_preflight(const HttpRequest& request);
HttpResponse preflight(const HttpRequest& request, const std::vector<std::string>& origins);

// The header X-Request-Timeout-Ms, or what the plan says, at most the server's own. Throws Problem(invalid) for what is no number above 0.
std::chrono::milliseconds time_of(const HttpRequest& request, std::optional<std::chrono::milliseconds> of_plan, std::chrono::milliseconds most);
// The urgency of the header Priority (RFC 9218), "u=5, i" say; 3 where it says none.
int urgency_of(std::string_view priority);

// A plan on its way through the batcher.
struct Classifying {
  ClassifyPlan plan;
  std::shared_ptr<BatchJob> job;                  // null if no text came so far
  std::vector<std::size_t> text_of_sample;        // [samples of the job] which text each is
  std::vector<std::optional<Problem>> problems;   // [texts] those that never became rows
  double tokenize_ms = 0;
};

// Stage 1. Throws Problem: no texts, too many; Error of options that the pipeline refuses.
Classifying tokenize(ClassifyPlan plan, const ServeLimits& limits);

// Stage 3: what became of each text. Counts it in `metrics`.
ClassifyResult conclude(const Classifying& classifying, Metrics& metrics);

}  // namespace filbert::serve
