// The dialect of text-embeddings-inference 1.9 (https://github.com/huggingface/text-embeddings-inference, router/src/http): shapes, status codes and
// messages are its own. Scores are ours: what problem_type says makes them, where it applies softmax to every model of several labels.
// /predict, /rerank and /info take the model from "?model=NAME", which it has not, since it serves one. Tested by tei_test.cpp.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <filbert/version.h>

#include "serve/classify_json.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

constexpr std::size_t kCharactersOfAToken = 250;  // of max_input_length tokens, before they are made: no text is worth tokenizing beyond

// Its word for each kind, and its status where that is not ours.
struct ErrorType {
  ProblemKind kind;
  std::string_view name;
  int status;
};
constexpr ErrorType kErrorTypes[] = {
    {ProblemKind::malformed, "Validation", 400},
    {ProblemKind::invalid, "Validation", 422},
    {ProblemKind::empty, "Empty", 400},
    {ProblemKind::unauthorized, "Validation", 401},
    {ProblemKind::forbidden, "Validation", 403},
    {ProblemKind::not_found, "Validation", 404},
    {ProblemKind::method_not_allowed, "Validation", 405},
    {ProblemKind::timeout, "Overloaded", 408},
    {ProblemKind::too_large, "Validation", 413},
    {ProblemKind::unsupported, "Backend", 424},
    {ProblemKind::overloaded, "Overloaded", 429},
    {ProblemKind::draining, "Unhealthy", 503},
    {ProblemKind::failed, "Backend", 424},
};

HttpResponse text_embeddings_inference_problem(const Problem& problem) {
  const ErrorType& type = kErrorTypes[static_cast<std::size_t>(problem.kind)];
  JsonWriter json;
  json.begin_object();
  json.field("error", std::string_view(problem.what()));
  json.field("error_type", type.name);
  json.end_object();
  return json_response(json, type.status);
}

void check_batch(std::size_t count, const ServeLimits& limits) {
  if (count <= limits.max_client_batch_size) return;
  throw Problem(ProblemKind::invalid, fmt::format("batch size {} > maximum allowed batch size {}", count, limits.max_client_batch_size));
}

HttpFields compute_headers(const ClassifyPlan& plan, const ClassifyResult& result) {
  const auto ms = [](double milliseconds) { return fmt::format("{:.0f}", std::floor(milliseconds)); };
  const Timings& timings = result.timings;
  return {{"x-compute-type", "cpu"},
          {"x-compute-time", ms(timings.total_ms)},
          {"x-compute-characters", std::to_string(count_characters(plan.texts))},
          {"x-compute-tokens", std::to_string(result.total_tokens)},
          {"x-total-time", ms(timings.total_ms)},
          {"x-tokenization-time", ms(timings.tokenize_ms)},
          {"x-queue-time", ms(timings.queue_ms)},
          {"x-inference-time", ms(timings.infer_ms)}};
}

// The model of that name, or the first that labels texts; another is refused in its words.
std::shared_ptr<const ServedModel> text_classifier(const ServeContext& context, std::string_view name, const char* refusal) {
  auto model = context.models.at(name, Task::sequence_classification);
  if (model->task() != Task::sequence_classification) throw Problem(ProblemKind::unsupported, refusal);
  check_tokenizer(*model);
  return model;
}

// The options that /predict and /rerank have in common.
void read_options(const JsonValue& root, ClassifyPlan& plan) {
  plan.refuse_truncation = !bool_field(root, "truncate").value_or(true);  // its --auto-truncate
  if (const auto direction = root.find("truncation_direction")) {
    const std::string_view word = direction->as_string();
    if (word == "left" || word == "Left") {
      throw Problem(ProblemKind::unsupported, "truncation_direction: expected right, found left, which this server cannot");
    }
    if (word != "right" && word != "Right") direction->fail("\"right\"");
  }
  if (bool_field(root, "raw_scores").value_or(false)) plan.options.function_to_apply = FunctionToApply::none;
}

constexpr std::string_view kInputs = "a string, a pair of strings [string, string] or a batch of mixed strings and pairs [[string], [string, string], ...]";

// One or two strings.
ServedText as_sequence(const JsonValue& array) {
  std::vector<std::string> strings;
  array.for_each_element([&](const JsonValue& element) { strings.emplace_back(element.as_string()); });
  if (strings.empty() || strings.size() > 2) {
    throw Problem(ProblemKind::invalid, fmt::format("{}: invalid length {}, expected {}", array.where(), strings.size(), kInputs));
  }
  ServedText text{std::move(strings.front())};
  if (strings.size() == 2) text.text_pair = std::move(strings.back());
  return text;
}

// Fills the texts; says whether they are a batch. A list of two strings is a pair.
bool read_inputs(const JsonValue& inputs, std::vector<ServedText>& texts) {
  if (inputs.is_string()) {
    texts.push_back({std::string(inputs.as_string())});
    return false;
  }
  if (!inputs.is_array()) inputs.fail(kInputs);
  const simdjson::dom::array array = inputs.raw().get_array().value_unsafe();
  if (array.begin() != array.end() && (*array.begin()).is_array()) {
    inputs.for_each_element([&](const JsonValue& element) { texts.push_back(as_sequence(element)); });
    return true;
  }
  texts.push_back(as_sequence(inputs));
  return false;
}

void write_predictions(const Outcome& outcome, JsonWriter& json) {
  json.begin_array();
  for (const LabelScore& score : descending(answer_of(outcome).scores)) {
    json.begin_object();
    json.field("score", score.score);
    json.field("label", score.label);
    json.end_object();
  }
  json.end_array();
}

Plan predict(const HttpRequest& request, std::string_view, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = text_classifier(context, request.parameter("model"), "model is not a classifier model");
  bool is_batch = false;
  read_body(request.body, [&](const JsonValue& root) {
    is_batch = read_inputs(root.at("inputs"), plan.texts);
    read_options(root, plan);
  });
  check_batch(plan.texts.size(), context.limits);
  plan.answer = [is_batch](const ClassifyPlan& asked, const ClassifyResult& result) {
    result.throw_problems();
    JsonWriter json;
    if (is_batch) json.begin_array();
    for (const Outcome& outcome : result.outcomes) write_predictions(outcome, json);
    if (is_batch) json.end_array();
    return json_response(json, 200, compute_headers(asked, result));
  };
  return plan;
}

HttpResponse ranks(const ClassifyPlan& plan, const ClassifyResult& result, bool return_text) {
  struct Rank {
    std::size_t index;
    float score;
  };
  std::vector<Rank> sorted;
  for (const Outcome& outcome : result.outcomes) sorted.push_back({sorted.size(), answer_of(outcome).scores.front().score});
  std::stable_sort(sorted.begin(), sorted.end(), [](const Rank& left, const Rank& right) { return left.score > right.score; });
  JsonWriter json;
  json.begin_array();
  for (const Rank& rank : sorted) {
    json.begin_object();
    json.field("index", rank.index);
    if (return_text) json.field("text", *plan.texts[rank.index].text_pair);
    json.field("score", rank.score);
    json.end_object();
  }
  json.end_array();
  return json_response(json, 200, compute_headers(plan, result));
}

// Each text has a query of its own.
void check_copies(std::string_view query, std::size_t texts, const ServeLimits& limits) {
  check_batch(texts, limits);
  const std::size_t bytes = query.size() * texts, most = 8 * limits.max_body_bytes;
  if (bytes > most) throw Problem(ProblemKind::too_large, fmt::format("`query`: expected at most {} bytes for {} texts, found {}", most / texts, texts, query.size()));
}

Plan rerank(const HttpRequest& request, std::string_view, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = text_classifier(context, request.parameter("model"), "model is not a re-ranker model");
  bool return_text = false;
  read_body(request.body, [&](const JsonValue& root) {
    const std::string query(root.at("query").as_string());
    const JsonValue texts = root.at("texts");
    if (texts.is_array()) check_copies(query, texts.size(), context.limits);
    texts.for_each_element([&](const JsonValue& text) { plan.texts.push_back({query, std::string(text.as_string())}); });
    read_options(root, plan);
    return_text = bool_field(root, "return_text").value_or(false);
  });
  if (plan.texts.empty()) throw Problem(ProblemKind::empty, "`texts` cannot be empty");
  if (plan.model->config().num_labels() != 1) throw Problem(ProblemKind::unsupported, "model is not a re-ranker model");
  plan.answer = [return_text](const ClassifyPlan& asked, const ClassifyResult& result) {
    result.throw_problems();
    return ranks(asked, result, return_text);
  };
  return plan;
}

// start and stop are bytes of the text, which the token's own text is cut from.
void write_tokens(const Tokenizer& tokenizer, std::string_view text, bool add_special_tokens, JsonWriter& json) {
  const BatchEncoding encoding =
      tokenizer(text, {.add_special_tokens = add_special_tokens, .offset_unit = OffsetUnit::bytes, .num_threads = 1});
  json.begin_array();
  for (std::size_t token = 0; token < encoding.total_tokens(); ++token) {
    const bool special = encoding.special_tokens_mask[token] != 0;
    const Offset& offset = encoding.offset_mapping[token];
    json.begin_object();
    json.field("id", encoding.input_ids[token]);
    json.field("text", special ? tokenizer.id_to_token(encoding.input_ids[token]) : text.substr(offset.begin, offset.end - offset.begin));
    json.field("special", special);
    for (const auto& [key, place] : {std::pair("start", offset.begin), std::pair("stop", offset.end)}) {
      json.key(key);
      special ? json.null() : json.value(place);
    }
    json.end_object();
  }
  json.end_array();
}

Plan tokens_of_inputs(const HttpRequest& request, std::string_view, const ServeContext& context) {
  const auto model = model_for_texts(context, request.parameter("model"));
  std::vector<ServedText> texts;
  bool add_special_tokens = true;
  read_body(request.body, [&](const JsonValue& root) {
    const JsonValue inputs = root.at("inputs");
    if (inputs.is_string()) {
      texts.push_back({std::string(inputs.as_string())});
    } else {
      inputs.for_each_element([&](const JsonValue& text) { texts.push_back({std::string(text.as_string())}); });
    }
    add_special_tokens = bool_field(root, "add_special_tokens").value_or(true);
    if (const auto prompt = root.find("prompt_name")) prompt->fail("none, since a classifier has no prompts");
  });
  if (texts.empty()) throw Problem(ProblemKind::empty, "`inputs` cannot be empty");
  check_batch(texts.size(), context.limits);
  const std::size_t most = model->max_length() * kCharactersOfAToken, characters = count_characters(texts);
  if (characters > most) {
    throw Problem(ProblemKind::invalid, fmt::format("`inputs` must have less than {} characters. Given: {}", most, characters));
  }
  JsonWriter json;
  json.begin_array();
  for (const ServedText& text : texts) write_tokens(model->tokenizer(), text.text, add_special_tokens, json);
  json.end_array();
  return json_response(json);
}

void write_labels(const std::map<int, std::string>& id2label, JsonWriter& json) {
  json.begin_object();
  json.key("id2label");
  json.begin_object();
  for (const auto& [id, label] : id2label) json.field(std::to_string(id), label);
  json.end_object();
  json.key("label2id");
  json.begin_object();
  std::map<std::string_view, int> label2id;  // of labels that two ids share, the last
  for (const auto& [id, label] : id2label) label2id[label] = id;
  for (const auto& [label, id] : label2id) json.field(label, id);
  json.end_object();
  json.end_object();
}

Plan info_of(const HttpRequest& request, std::string_view, const ServeContext& context) {
  const auto model = context.models.at(request.parameter("model"));
  const ServeLimits& limits = context.limits;
  constexpr std::array<std::string_view, 3> kDtypes = {"float32", "bfloat16", "int8"};  // of ComputeDtype
  JsonWriter json;
  json.begin_object();
  json.field("model_id", model->model_id);
  json.field("model_sha", model->revision);
  json.field("model_dtype", kDtypes[static_cast<std::size_t>(model->model().compute_dtype())]);
  json.field("served_model_name", model->name);
  json.key("model_type");
  json.begin_object();
  const bool of_tokens = model->task() == Task::token_classification;
  json.key(of_tokens ? "token_classifier" : model->config().num_labels() == 1 ? "reranker" : "classifier");
  write_labels(model->id2label(), json);
  json.end_object();
  json.field("max_concurrent_requests", limits.max_concurrent_requests);
  json.field("max_input_length", std::min(model->max_length(), limits.max_length.value_or(model->max_length())));
  json.field("max_batch_tokens", limits.max_batch_tokens);
  json.key("max_batch_requests");
  json.null();
  json.field("max_client_batch_size", limits.max_client_batch_size);
  json.field("auto_truncate", true);
  json.field("tokenization_workers", model->model().num_threads());
  json.field("version", FILBERT_VERSION);
  for (const std::string_view absent : {"sha", "docker_label"}) {
    json.key(absent);
    json.null();
  }
  json.end_object();
  return json_response(json);
}

Plan health(const HttpRequest&, std::string_view, const ServeContext& context) {
  if (!context.ready) throw Problem(ProblemKind::draining, "unhealthy");
  return HttpResponse{.content_type = ""};
}

// Predictions behind the paths that SageMaker knows.
constexpr Route kTextEmbeddingsInferenceRoutes[] = {
    {"POST", "/predict", true, text_embeddings_inference_problem, predict},
    {"POST", "/invocations", true, text_embeddings_inference_problem, predict},
    {"POST", "/rerank", true, text_embeddings_inference_problem, rerank},
    {"POST", "/tokenize", true, text_embeddings_inference_problem, tokens_of_inputs},
    {"GET", "/info", true, text_embeddings_inference_problem, info_of},
    {"GET", "/health", false, text_embeddings_inference_problem, health},
    {"GET", "/ping", false, text_embeddings_inference_problem, health},
};

constexpr bool error_types_in_order() {
  std::size_t at = 0;
  for (const ErrorType& type : kErrorTypes) {
    if (type.kind != static_cast<ProblemKind>(at++)) return false;
  }
  return true;
}
static_assert(error_types_in_order());

}  // namespace

std::span<const Route> text_embeddings_inference_routes() { return kTextEmbeddingsInferenceRoutes; }

}  // namespace filbert::serve
