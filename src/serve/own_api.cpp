// Our own dialect: /v1/classify (own_classify.cpp), the models, tokens with their places, and the description of all of it. Fields that are not known
// are refused, with the nearest name. Tested by own_api_test.cpp.
#include "serve/own_api.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>
#include <filbert/version.h>

#include "postprocess/entities.h"
#include "serve/classify_json.h"
#include "serve/own_input.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

// What answers have that the model alone would not give.
void write_decision(const Decision& decision, JsonWriter& json) {
  json.key("decision");
  json.begin_object();
  json.key("model_labels");
  json.array(decision.model_labels);
  json.field("calibrated", decision.is_calibrated());
  json.field("has_thresholds", !decision.thresholds.empty());
  json.field("may_reject", decision.may_reject());
  json.field("has_expected", !decision.expected_values.empty());
  json.end_object();
}

// What /similar can be asked for.
void write_index(const IndexInfo& index, JsonWriter& json) {
  json.key("index");
  json.begin_object();
  json.field("texts", index.texts);
  json.field("tokens", index.tokens);
  json.field("gold", index.gold);
  json.field("max_length", index.max_length);
  json.key("layers");
  json.begin_array();
  for (const IndexedLayer& layer : index.layers) {
    json.begin_object();
    json.field("layer", layer.layer);
    json.field("heads", layer.heads);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_model(const ServedModel& served, const ServeLimits& limits, JsonWriter& json) {
  const Config& config = served.config();
  const bool of_tokens = served.task() == Task::token_classification;
  json.begin_object();
  json.field("id", served.name);
  json.field("object", "model");
  json.field("created", std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  json.field("owned_by", "filbert");
  json.field("model_id", served.model_id);
  json.field("revision", served.revision);
  json.field("model_type", config.model_type);
  json.field("task", task_name(served));
  json.key("id2label");
  json.begin_object();
  for (const auto& [id, label] : served.id2label()) json.field(std::to_string(id), label);
  json.end_object();
  json.field("function_to_apply", name(of_tokens ? FunctionToApply::softmax : default_function_to_apply(config)));
  if (of_tokens) {
    json.key("entity_groups");
    json.array(entity_names(config.id2label, AggregationStrategy::simple));
  } else if (const Decision* decision = served.classifier().decision()) {
    write_decision(*decision, json);
  }
  json.field("max_length", std::min(served.max_length(), limits.max_length.value_or(served.max_length())));
  json.field("num_parameters", served.model().num_parameters());
  json.field("dtype", name(served.model().compute_dtype()));
  json.field("kernels", served.model().kernels());
  json.field("num_threads", served.model().num_threads());
  json.field("has_tokenizer", served.has_tokenizer());
  json.field("has_mask_token", served.has_tokenizer() && served.tokenizer().mask_token().has_value());
  json.field("num_hidden_layers", config.num_hidden_layers);
  json.field("num_attention_heads", config.num_attention_heads);
  if (served.index) write_index(served.index->info(), json);
  json.end_object();
}

// What a page or a client has to know of this server, beside what OpenAI's list has.
void write_server(const ServeContext& context, JsonWriter& json) {
  const ServeLimits& limits = context.limits;
  json.key("server");
  json.begin_object();
  json.field("version", FILBERT_VERSION);
  json.field("explain", context.explain);
  json.field("has_api_key", context.has_api_key);
  json.field("max_client_batch_size", limits.max_client_batch_size);
  json.field("max_body_bytes", limits.max_body_bytes);
  json.field("max_total_body_bytes", limits.max_total_body_bytes);
  json.field("max_concurrent_requests", limits.max_concurrent_requests);
  json.field("timeout_ms", limits.timeout.count());
  json.field("explain_timeout_ms", limits.explain_timeout.count());
  json.end_object();
}

Plan models(const HttpRequest&, std::string_view, const ServeContext& context) {
  JsonWriter json;
  json.begin_object();
  json.field("object", "list");
  json.key("data");
  json.begin_array();
  for (const auto& model : context.models.all()) write_model(*model, context.limits, json);
  json.end_array();
  write_server(context, json);
  json.end_object();
  return json_response(json);
}

Plan model(const HttpRequest&, std::string_view name, const ServeContext& context) {
  JsonWriter json;
  write_model(*context.models.at(name), context.limits, json);
  return json_response(json);
}

void write_tokens(const ServedModel& model, const BatchEncoding& encoding, std::size_t row, JsonWriter& json) {
  const Tokenizer& tokenizer = model.tokenizer();
  json.key("tokens");
  json.begin_array();
  for (std::size_t at = encoding.row_starts[row]; at < encoding.row_starts[row + 1]; ++at) {
    const std::int32_t id = encoding.input_ids[at];
    const auto index = static_cast<std::size_t>(id);
    json.begin_object();
    json.field("id", id);
    json.field("token", tokenizer.id_to_token(id));
    json.field("start", encoding.offset_mapping[at].begin);
    json.field("end", encoding.offset_mapping[at].end);
    json.field("type_id", encoding.token_type_ids[at]);
    json.field("special", encoding.special_tokens_mask[at] != 0);
    json.field("unknown", index < model.is_unknown.size() && model.is_unknown[index] != 0);
    json.key("word_id");
    encoding.word_ids[at] < 0 ? json.null() : json.value(encoding.word_ids[at]);
    json.key("sequence_id");
    encoding.sequence_ids[at] < 0 ? json.null() : json.value(encoding.sequence_ids[at]);
    json.end_object();
  }
  json.end_array();
}

HttpResponse tokenized(const ServedModel& model, const BatchEncoding& encoding, std::string_view offset_unit) {
  JsonWriter json;
  json.begin_object();
  json.field("object", "list");
  json.field("model", model.name);
  json.field("offset_unit", offset_unit);
  json.key("data");
  json.begin_array();
  for (std::size_t row = 0; row < encoding.batch_size(); ++row) {
    json.begin_object();
    json.field("index", row);
    write_tokens(model, encoding, row, json);
    json.field("tokens_total", encoding.rows[row].tokens_total);
    json.field("tokens_used", encoding.row_length(row));
    json.field("truncated", encoding.rows[row].truncated);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json_response(json);
}

// As the model would see the texts: truncated as /v1/classify truncates them, unless told otherwise.
Plan plan_of_tokenize(const HttpRequest& request, std::string_view, const ServeContext& context) {
  constexpr std::string_view kFields[] = {"model", "input", "max_length", "truncation", "add_special_tokens", "offset_unit"};
  constexpr std::size_t kMostBytes = 200'000;  // of all texts: it is done at once, while others wait
  ClassifyPlan plan;  // as far as it goes
  std::string unit = "code_points";
  EncodeOptions encode;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kFields);
    plan.model = model_for_texts(context, string_field(root, "model").value_or(""));
    plan.texts = read_texts(root.at("input"));
    plan.options.max_length = count_field(root, "max_length", {.least = 1});
    if (const auto truncation = root.find("truncation")) read_truncation(*truncation, plan);
    encode.add_special_tokens = bool_field(root, "add_special_tokens").value_or(true);
    unit = string_field(root, "offset_unit").value_or(unit);
  });
  if (plan.model->task() == Task::sequence_classification) check_options(*plan.model, plan.options);
  std::size_t bytes = 0;
  std::vector<TextInput> texts;
  for (const ServedText& each : plan.texts) {
    texts.push_back({each.text, each.text_pair});
    bytes += each.text.size() + (each.text_pair ? each.text_pair->size() : 0);
  }
  if (bytes > kMostBytes) throw Problem(ProblemKind::too_large, fmt::format("input: expected at most {} bytes of text, found {}", kMostBytes, bytes));
  const ServedModel& model = *plan.model;
  encode.truncation = plan.refuse_truncation ? Truncation::do_not_truncate : plan.options.truncation;
  encode.max_length = std::min(plan.options.max_length.value_or(model.max_length()), context.limits.max_length.value_or(model.max_length()));
  encode.offset_unit = offset_unit_from_name(unit);
  encode.num_threads = 1;
  return tokenized(model, model.tokenizer()(texts, encode), unit);
}

Plan openapi(const HttpRequest&, std::string_view, const ServeContext&) {
  constexpr std::string_view kPlace = "\"version\": \"\"";
  std::string document(kOpenApi);
  document.replace(document.find(kPlace), kPlace.size(), fmt::format("\"version\": \"{}\"", FILBERT_VERSION));
  return HttpResponse{.body = std::move(document)};
}

constexpr Route kOwnRoutes[] = {
    {"POST", "/v1/classify", true, own_problem, classify},
    {"POST", "/classify", true, own_problem, classify},
    {"POST", "/v1/entities", true, own_problem, entities},
    {"POST", "/v1/tokenize", true, own_problem, plan_of_tokenize},
    {"GET", "/v1/models", true, own_problem, models},
    {"GET", "/v1/models/{name}", true, own_problem, model},
    {"GET", "/openapi.json", true, own_problem, openapi},
};

}  // namespace

void write_envelope(const Envelope& envelope, const ClassifyPlan& plan, const ClassifyResult& result, JsonWriter& json,
                    const std::function<void(const Outcome&)>& write) {
  json.begin_object();
  json.field("id", fmt::format("{}-{}", envelope.kind, envelope.id));
  json.field("object", "list");
  json.field("created", std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  json.field("model", plan.model->name);
  std::size_t failed = 0;
  std::optional<Problem> first;
  json.key("data");
  json.begin_array();
  for (std::size_t index = 0; index < result.outcomes.size(); ++index) {
    json.begin_object();
    json.field("index", index);
    try {
      write(result.outcomes[index]);
    } catch (const Problem& problem) {
      if (++failed == 1) first = problem;
      json.key("error");
      write_error(problem, json);
    }
    json.end_object();
  }
  json.end_array();
  if (failed == result.outcomes.size()) throw *first;  // nothing to answer: the status says so
  json.key("usage");
  json.begin_object();
  json.field("prompt_tokens", result.total_tokens);
  json.field("total_tokens", result.total_tokens);
  json.field("completion_tokens", 0);
  json.key("prompt_tokens_details");
  json.null();
  json.end_object();
  json.end_object();
}

void read_request_fields(const JsonValue& root, ClassifyPlan& plan) {
  if (const auto timeout = count_field(root, "timeout_ms", {.least = 1})) plan.timeout = std::chrono::milliseconds(*timeout);
  if (const auto priority = root.find("priority")) plan.urgency = static_cast<int>(std::clamp<std::int64_t>(priority->as_int(), -3, 4) + 3);
  (void)string_field(root, "user");
}

void write_error(const Problem& problem, JsonWriter& json) {
  json.begin_object();
  json.field("message", std::string_view(problem.what()));
  json.field("type", info(problem.kind).name);
  json.field("code", info(problem.kind).status);
  json.end_object();
}

HttpResponse own_problem(const Problem& problem) {
  JsonWriter json;
  json.begin_object();
  json.key("error");
  write_error(problem, json);
  json.end_object();
  return json_response(json, info(problem.kind).status);
}

std::span<const Route> own_routes() { return kOwnRoutes; }

}  // namespace filbert::serve
