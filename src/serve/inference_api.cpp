// The dialect of Hugging Face's Inference API for text classification, as huggingface_hub's InferenceClient speaks it: a list of labels, best first,
// for each text, also for a single one. `inputs` and `parameters` are what transformers' pipeline takes; fields and parameters that mean nothing
// here are ignored. Tested by inference_api_test.cpp.
#include <utility>

#include <fmt/format.h>

#include "serve/classify_json.h"
#include "serve/own_input.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

HttpResponse in_words(const Problem& problem) {
  JsonWriter json;
  json.begin_object();
  json.field("error", std::string_view(problem.what()));
  json.end_object();
  return json_response(json, info(problem.kind).status);
}

ServedText as_text(const JsonValue& input) {
  if (input.is_string()) return {std::string(input.as_string())};
  if (!input.is_object()) input.fail("a string, or a pair {\"text\": …, \"text_pair\": …}");
  return {std::string(input.at("text").as_string()), string_field(input, "text_pair")};
}

void read_parameters(const JsonValue& parameters, ClassifyPlan& plan, std::optional<std::size_t>& top_k) {
  if (const auto function = parameters.find("function_to_apply")) {
    plan.options.function_to_apply = function_to_apply_from_name(function->as_string());
  }
  top_k = count_field(parameters, "top_k", {.least = 1});
  plan.options.max_length = count_field(parameters, "max_length", {.least = 1});
  if (const auto truncation = parameters.find("truncation")) read_truncation(*truncation, plan);
}

HttpResponse predictions(const ClassifyResult& result, std::optional<std::size_t> top_k) {
  result.throw_problems();
  JsonWriter json;
  json.begin_array();
  for (const Outcome& outcome : result.outcomes) {
    json.begin_array();
    for (const LabelScore& score : descending(answer_of(outcome).scores, top_k)) {
      json.begin_object();
      json.field("label", score.label);
      json.field("score", score.score);
      json.end_object();
    }
    json.end_array();
  }
  json.end_array();
  return json_response(json);
}

Plan classify(const HttpRequest& request, std::string_view name, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = model_for_texts(context, name);
  std::optional<std::size_t> top_k;
  read_body(request.body, [&](const JsonValue& root) {
    const JsonValue inputs = root.at("inputs");
    if (inputs.is_array()) {
      inputs.for_each_element([&](const JsonValue& input) { plan.texts.push_back(as_text(input)); });
    } else {
      plan.texts.push_back(as_text(inputs));
    }
    if (const auto parameters = root.find("parameters")) read_parameters(*parameters, plan, top_k);
  });
  if (plan.texts.empty()) throw Problem(ProblemKind::empty, "inputs: expected at least one text, found none");
  check_options(*plan.model, plan.options);
  plan.answer = [top_k](const ClassifyPlan&, const ClassifyResult& result) { return predictions(result, top_k); };
  return plan;
}

Plan describe(const HttpRequest&, std::string_view name, const ServeContext& context) {
  const auto model = context.models.at(name);
  JsonWriter json;
  json.begin_object();
  json.field("id", model->name);
  json.field("sha", model->revision);
  json.field("pipeline_tag", "text-classification");
  json.field("library_name", "filbert");
  json.key("config");
  json.begin_object();
  json.field("model_type", model->classifier.config().model_type);
  json.key("architectures");
  json.array(model->classifier.config().architectures);
  json.end_object();
  json.end_object();
  return json_response(json);
}

constexpr Route kRoutes[] = {
    {"POST", "/models/{name}", true, in_words, classify},
    {"GET", "/models/{name}", true, in_words, describe},
    {"POST", "/", true, in_words, classify},
};

}  // namespace

std::span<const Route> inference_api_routes() { return kRoutes; }

}  // namespace filbert::serve
