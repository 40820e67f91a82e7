// /v1/entities: the entities of each text, in the shape of `filbert entities --format json`, in an envelope like that of /v1/classify. A text that cannot
// be answered has its error in the place of its answer, and the others are answered. Tested by entities_api_test.cpp.
#include <algorithm>
#include <chrono>
#include <string>

#include "postprocess/entities_json.h"
#include "serve/classify_json.h"
#include "serve/entities_json.h"
#include "serve/log.h"
#include "serve/own_api.h"
#include "serve/own_input.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

constexpr std::string_view kEntitiesFields[] = {"model", "input", "aggregation_strategy", "ignore_labels", "stride", "max_length", "truncation", "tagging_scheme",
                                        "decoding", "offset_unit", "timeout_ms", "priority", "user", "request_id"};

HttpResponse answer(const ClassifyPlan& plan, const ClassifyResult& result, const std::string& id) {
  JsonWriter json;
  write_envelope({.kind = "entities", .id = id}, plan, result, json, [&](const Outcome& outcome) {
    const TokenClassification& found = entities_of(outcome);
    json.key("entities");
    write_entities(outcome, plan, json);
    write_text_facts(found, json);
  });
  return json_response(json);
}

}  // namespace

Plan entities(const HttpRequest& request, std::string_view, const ServeContext& context) {
  ClassifyPlan plan;
  std::string id;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kEntitiesFields);
    plan.model = finder_at(context, string_field(root, "model").value_or(""));
    read_entities_options(root, plan.entities);
    if (const auto truncation = root.find("truncation")) plan.refuse_truncation = !truncation->as_bool();
    read_request_fields(root, plan);
    id = string_field(root, "request_id").value_or("");
    plan.texts = read_texts(root.at("input"));
  });
  if (id.empty()) id = request.header("x-request-id").empty() ? request_id({}) : std::string(request.header("x-request-id"));
  check_entities(plan, context.limits);
  plan.answer = [id](const ClassifyPlan& asked, const ClassifyResult& result) { return answer(asked, result, id); };
  return plan;
}

}  // namespace filbert::serve
