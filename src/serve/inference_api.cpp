// The dialect of Hugging Face's Inference API for text and token classification, as huggingface_hub's InferenceClient speaks it: a list of labels, best
// first, for each text, also for a single one; of a model that labels tokens the entities of a text, for a list of texts a list of such lists. `inputs`
// and `parameters` are what transformers' pipeline takes, but for aggregation_strategy, which is simple if nobody says, as the hosted API has it; fields
// and parameters that mean nothing here are ignored. Tested by inference_api_test.cpp and entities_api_test.cpp.
#include <utility>

#include <fmt/format.h>

#include "serve/classify_json.h"
#include "serve/entities_json.h"
#include "serve/own_input.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

HttpResponse inference_api_problem(const Problem& problem) {
  JsonWriter json;
  json.begin_object();
  json.field("error", std::string_view(problem.what()));
  json.end_object();
  return json_response(json, info(problem.kind).status);
}

ServedText text_or_pair(const JsonValue& input) {
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

HttpResponse entities_response(const ClassifyPlan& plan, const ClassifyResult& result, bool is_list) {
  result.throw_problems();
  JsonWriter json;
  if (is_list) json.begin_array();
  for (const Outcome& outcome : result.outcomes) write_entities(outcome, plan, json);
  if (is_list) json.end_array();
  return json_response(json);
}

// What the model is for decides which parameters count, and what the answer looks like.
Plan plan_of_inputs(const HttpRequest& request, std::string_view name, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = model_for_texts(context, name);
  const bool of_tokens = plan.model->task() == Task::token_classification;
  bool is_list = false;
  std::optional<std::size_t> top_k;
  read_body(request.body, [&](const JsonValue& root) {
    const JsonValue inputs = root.at("inputs");
    is_list = inputs.is_array();
    if (is_list) {
      inputs.for_each_element([&](const JsonValue& input) { plan.texts.push_back(text_or_pair(input)); });
    } else {
      plan.texts.push_back(text_or_pair(inputs));
    }
    const auto parameters = root.find("parameters");
    plan.entities.aggregation_strategy = AggregationStrategy::simple;
    if (parameters && of_tokens) read_entities_options(*parameters, plan.entities);
    if (parameters && !of_tokens) read_parameters(*parameters, plan, top_k);
  });
  if (plan.texts.empty()) throw Problem(ProblemKind::empty, "inputs: expected at least one text, found none");
  if (of_tokens) {
    check_entities(plan, context.limits);
    plan.answer = [is_list](const ClassifyPlan& asked, const ClassifyResult& result) { return entities_response(asked, result, is_list); };
    return plan;
  }
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
  json.field("pipeline_tag", task_name(*model));
  json.field("library_name", "filbert");
  json.key("config");
  json.begin_object();
  json.field("model_type", model->config().model_type);
  json.key("architectures");
  json.array(model->config().architectures);
  json.end_object();
  json.end_object();
  return json_response(json);
}

constexpr Route kInferenceApiRoutes[] = {
    {"POST", "/models/{name}", true, inference_api_problem, plan_of_inputs},
    {"GET", "/models/{name}", true, inference_api_problem, describe},
    {"POST", "/", true, inference_api_problem, plan_of_inputs},
};

}  // namespace

std::span<const Route> inference_api_routes() { return kInferenceApiRoutes; }

}  // namespace filbert::serve
