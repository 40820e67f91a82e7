// The bodies of /explain, /attention and /similar: options by the names that `filbert explain`, `attention` and `similar` have for them, with _ for -.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <filbert/attention.h>
#include <filbert/contexts.h>
#include <filbert/explain.h>
#include <filbert/explain_entity.h>

#include "explain/entity_choice.h"
#include "serve/plan.h"

namespace filbert::serve {

// What all of them have.
struct SlowRequest {
  std::shared_ptr<const ServedModel> model;
  ServedText text;
  bool html = false;    // "format": "html", a page; else JSON
  bool events = false;  // "stream": true, or a client that accepts text/event-stream
  std::string body;     // as it came, on one line
};

struct ExplainRequest : SlowRequest {
  ReportOptions report;
  bool contexts = false;  // what is like the strongest words, of the model's index
  // Of a model that labels tokens: which entity is explained. By its number or by what stands there, of those that the model finds; or as it stands in
  // the request, by its place and its type, with a score and a word where the request has them.
  EntityChoice choice = {};
  std::optional<Entity> entity = {};
  bool entity_has_score = false, entity_has_word = false;
};
// Throws Problem: malformed, invalid (names the field), not_found, unsupported.
ExplainRequest read_explain(const HttpRequest& request, const ServeContext& context);

struct AttentionRequest : SlowRequest {
  AttentionOptions attention;
  AttentionPageOptions page;
  std::optional<bool> neurons;  // queries and keys; absent: where a page stays small
};
AttentionRequest read_attention(const HttpRequest& request, const ServeContext& context);

// The model has an index.
struct SimilarRequest : SlowRequest {
  TokenChoice token;
  SimilarOptions similar;
};
SimilarRequest read_similar(const HttpRequest& request, const ServeContext& context);

}  // namespace filbert::serve
