// /v1/classify: the shape of vLLM's /classify (https://docs.vllm.ai), and more of what the library says of a text. A text that cannot be answered
// has its error in the place of its answer, and the others are answered. Tested by own_api_test.cpp.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "postprocess/answers.h"
#include "serve/classify_json.h"
#include "serve/log.h"
#include "serve/own_api.h"
#include "serve/own_input.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

constexpr std::string_view kClassifyFields[] = {
    "model", "input", "function_to_apply", "top_k", "threshold", "max_length", "truncation", "long_text", "stride", "combine",
    "offset_unit", "return_logits", "timeout_ms", "priority", "user", "request_id", "truncate_prompt_tokens", "add_special_tokens",
    "use_activation", "use_decision"};

// How the answer is to look.
struct Shape {
  std::optional<std::size_t> top_k;
  bool return_logits = false;
  std::string id;
};

void read_options(const JsonValue& root, ClassifyPlan& plan, Shape& shape) {
  ClassifyOptions& options = plan.options;
  if (const auto function = root.find("function_to_apply")) options.function_to_apply = function_to_apply_from_name(function->as_string());
  options.use_decision = bool_field(root, "use_decision").value_or(true);
  if (const auto threshold = number_field(root, "threshold", 0, 1)) options.threshold = static_cast<float>(*threshold);
  options.max_length = count_field(root, "max_length", {.least = 1});
  if (const auto truncation = root.find("truncation")) read_truncation(*truncation, plan);
  if (const auto long_text = root.find("long_text")) options.long_text = long_text_from_name(long_text->as_string());
  for (const std::string_view of_windows : {"stride", "combine", "offset_unit"}) {
    const auto field = root.find(of_windows);
    if (field && options.long_text != LongText::windows) field->fail("\"long_text\": \"windows\" beside it");
  }
  options.stride = count_field(root, "stride", {}).value_or(0);
  if (const auto combine = root.find("combine")) options.combine = combine_from_name(combine->as_string());
  if (const auto unit = root.find("offset_unit")) options.offset_unit = offset_unit_from_name(unit->as_string());
  shape.top_k = count_field(root, "top_k", {.least = 1});
  shape.return_logits = bool_field(root, "return_logits").value_or(false);
}

// Fields of vLLM that mean the same as ours, or nothing here.
void read_fields_of_vllm(const JsonValue& root, ClassifyPlan& plan) {
  if (const auto length = root.find("truncate_prompt_tokens")) {
    if (length->as_int() != -1) plan.options.max_length = as_count(*length, {.least = 1});
    plan.refuse_truncation = false;
  }
  if (!bool_field(root, "add_special_tokens").value_or(true)) root.at("add_special_tokens").fail("true, which the model was trained with");
  if (!bool_field(root, "use_activation").value_or(true)) plan.options.function_to_apply = FunctionToApply::none;
}

void check_windows(const ClassifyPlan& plan, const ServeLimits& limits) {
  if (plan.options.long_text != LongText::windows) return;
  const std::size_t longest = plan.model->max_length();
  const std::size_t length = std::min(plan.options.max_length.value_or(longest), limits.max_length.value_or(longest));
  std::size_t tokens = 0;
  for (const ServedText& text : plan.texts) {
    const std::size_t first = text.text.size(), second = text.text_pair ? text.text_pair->size() : 0;
    const bool cuts_second = plan.options.truncation == Truncation::only_second || (plan.options.truncation == Truncation::longest_first && second > first);
    tokens += most_window_tokens(cuts_second ? second : first, cuts_second ? first : second, length, plan.options.stride);
  }
  check_window_tokens(tokens);
}

void write_scores(const auto& answer, const Shape& shape, JsonWriter& json) {
  filbert::write_scores(shape.top_k ? descending(answer.scores, shape.top_k) : answer.scores, json);
  if (answer.has_labels) {
    json.key("labels");
    json.array(answer.labels);
  }
  if (shape.return_logits) {
    json.key("logits");
    json.array(answer.logits);
  }
  if (answer.expected) json.field("expected", *answer.expected);
  if (answer.rejected) json.field("rejected", *answer.rejected);
}

void write_windows(const Classification& answer, const Shape& shape, JsonWriter& json) {
  json.key("windows");
  json.begin_array();
  for (const Window& window : answer.windows) {
    json.begin_object();
    json.field("sequence_id", window.sequence_id);
    json.field("begin", window.offset.begin);
    json.field("end", window.offset.end);
    json.field("tokens_used", window.tokens_used);
    json.field("label", window.label);
    json.field("score", window.score);
    write_scores(window, shape, json);
    json.end_object();
  }
  json.end_array();
}

void write_answer(const Classification& answer, const Shape& shape, JsonWriter& json) {
  json.field("label", answer.label);
  json.field("score", answer.score);
  json.key("probs");
  json.begin_array();
  for (const LabelScore& score : answer.scores) json.value(score.score);
  json.end_array();
  json.field("num_classes", answer.scores.size());
  write_scores(answer, shape, json);
  json.field("tokens_total", answer.tokens_total);
  json.field("tokens_used", answer.tokens_used);
  json.field("truncated", answer.truncated);
  if (!answer.windows.empty()) write_windows(answer, shape, json);
}

HttpResponse answer(const ClassifyPlan& plan, const ClassifyResult& result, const Shape& shape) {
  JsonWriter json;
  write_envelope({.kind = "classify", .id = shape.id}, plan, result, json, [&](const Outcome& outcome) { write_answer(answer_of(outcome), shape, json); });
  return json_response(json);
}

}  // namespace

Plan classify(const HttpRequest& request, std::string_view, const ServeContext& context) {
  ClassifyPlan plan;
  Shape shape;
  read_body(request.body, [&](const JsonValue& root) {
    refuse_unknown_fields(root, kClassifyFields);
    plan.model = classifier_at(context, string_field(root, "model").value_or(""));
    read_options(root, plan, shape);
    read_fields_of_vllm(root, plan);
    read_request_fields(root, plan);
    shape.id = string_field(root, "request_id").value_or("");
    const JsonValue input = root.at("input");
    if (is_rows(input)) {
      plan.rows = read_rows(input, *plan.model, context.limits);
    } else {
      check_tokenizer(*plan.model);
      plan.texts = read_texts(input);
    }
  });
  if (shape.id.empty()) shape.id = request.header("x-request-id").empty() ? request_id({}) : std::string(request.header("x-request-id"));
  check_options(*plan.model, plan.options);
  check_windows(plan, context.limits);
  plan.answer = [shape](const ClassifyPlan& asked, const ClassifyResult& result) { return answer(asked, result, shape); };
  return plan;
}

}  // namespace filbert::serve
