// The dialect of the Open Inference Protocol, version 2 over HTTP (https://github.com/kserve/open-inference-protocol), with Triton's extensions that
// its clients use: classification, binary tensor data, and the index of models. Texts come as the tensor "text", pairs with "text_pair", rows that
// were tokenized elsewhere as "input_ids"; logits, scores and labels go back, of a model that labels tokens entities or the tokens' logits. Each model
// is its version 1. Tested by open_inference_test.cpp and entities_api_test.cpp.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/version.h>

#include "load/config_family.h"
#include "serve/classify_json.h"
#include "serve/entities_json.h"
#include "serve/inference_outputs.h"
#include "serve/request_json.h"
#include "serve/tensors.h"
#include "tokenize/padding.h"

namespace filbert::serve {
namespace {

constexpr std::string_view kVersion = "1";

HttpResponse open_inference_problem(const Problem& problem) {
  JsonWriter json;
  json.begin_object();
  json.field("error", std::string_view(problem.what()));
  json.end_object();
  return json_response(json, problem.kind == ProblemKind::unsupported ? 400 : info(problem.kind).status);
}

// "name" or "name/versions/1".
std::shared_ptr<const ServedModel> model_at(std::string_view part, const ServeContext& context) {
  constexpr std::string_view kVersions = "/versions/";
  const std::size_t slash = part.rfind(kVersions);
  auto model = context.models.at(part.substr(0, slash));
  if (slash == std::string_view::npos) return model;
  const std::string_view version = part.substr(slash + kVersions.size());
  if (version != kVersion && version != model->revision) {
    throw Problem(ProblemKind::not_found, fmt::format("model \"{}\": expected version {}, found \"{}\"", model->name, kVersion, version));
  }
  return model;
}

// priority is 1 for the first, higher for later, 0 for the usual; timeout is in microseconds.
void read_parameters(const JsonValue& root, ClassifyPlan& plan) {
  const auto parameters = root.find("parameters");
  plan.entities.aggregation_strategy = AggregationStrategy::simple;
  if (!parameters) return;
  if (plan.model->task() == Task::token_classification) read_entities_options(*parameters, plan.entities);
  if (const auto priority = count_field(*parameters, "priority", {}).value_or(0)) plan.urgency = static_cast<int>(std::min<std::size_t>(priority - 1, 7));
  if (const auto timeout_us = count_field(*parameters, "timeout", {.most = 1'000'000'000'000'000}).value_or(0)) {
    plan.timeout = std::chrono::milliseconds((timeout_us + 999) / 1000);
  }
  if (const auto function = parameters->find("function_to_apply")) plan.options.function_to_apply = function_to_apply_from_name(function->as_string());
  plan.options.max_length = count_field(*parameters, "max_length", {.least = 1});
}

const InputTensor* find(const std::vector<InputTensor>& tensors, std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const InputTensor& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_tensor(const InputTensor& tensor, std::string_view expected) {
  throw Problem(ProblemKind::invalid, fmt::format("{} (\"{}\"): expected {}, found {} of shape [{}]", tensor.where, tensor.name, expected, tensor.datatype,
                                                  fmt::join(tensor.shape, ", ")));
}

void check_names(const std::vector<InputTensor>& tensors, std::initializer_list<std::string_view> known) {
  for (const InputTensor& tensor : tensors) {
    if (std::find(known.begin(), known.end(), tensor.name) == known.end()) {
      throw Problem(ProblemKind::invalid, fmt::format("{}: expected the name {}, found \"{}\"", tensor.where, fmt::join(known, " or "), tensor.name));
    }
  }
}

// [n] or [n, 1].
void texts_of_tensors(std::vector<InputTensor>& tensors, ClassifyPlan& plan) {
  check_names(tensors, {"text", "text_pair"});
  for (InputTensor& tensor : tensors) {
    const bool is_list = tensor.shape.size() == 1 || (tensor.shape.size() == 2 && tensor.shape[1] == 1);
    if (tensor.datatype != "BYTES" || !is_list) refuse_tensor(tensor, "BYTES of shape [n] or [n, 1]");
  }
  const InputTensor* const texts = find(tensors, "text");
  const InputTensor* const pairs = find(tensors, "text_pair");
  if (!texts) throw Problem(ProblemKind::invalid, "inputs: expected a tensor \"text\" beside \"text_pair\", found none");
  if (pairs && pairs->strings.size() != texts->strings.size()) refuse_tensor(*pairs, fmt::format("as many as of text ({})", texts->strings.size()));
  for (std::size_t at = 0; at < texts->strings.size(); ++at) {
    plan.texts.push_back({texts->strings[at], pairs ? std::optional(pairs->strings[at]) : std::nullopt});
  }
}

// [n, length] of ids; what the mask hides is cut off. Returns the length.
std::size_t read_rows(const std::vector<InputTensor>& tensors, const ServeLimits& limits, ClassifyPlan& plan) {
  check_names(tensors, {"input_ids", "token_type_ids", "attention_mask"});
  const InputTensor* const ids = find(tensors, "input_ids");
  const InputTensor* const types = find(tensors, "token_type_ids");
  const InputTensor* const masks = find(tensors, "attention_mask");
  if (!ids) throw Problem(ProblemKind::invalid, "inputs: expected a tensor \"text\" or \"input_ids\", found neither");
  for (const InputTensor* tensor : {ids, types, masks}) {
    if (tensor && (tensor->datatype == "BYTES" || tensor->shape.size() != 2)) refuse_tensor(*tensor, "INT64 or INT32 of shape [n, tokens]");
    if (tensor && tensor->shape != ids->shape) refuse_tensor(*tensor, "the shape of input_ids");
  }
  const std::size_t length = ids->shape[1];
  if (length == 0) return 0;  // no row has a token
  for (std::size_t row = 0; row < ids->shape[0]; ++row) {
    std::pair<std::size_t, std::size_t> kept{0, length};
    if (masks) {
      const auto found = without_padding(std::span(masks->numbers).subspan(row * length, length));
      if (!found) {
        throw Problem(ProblemKind::invalid, fmt::format("{}: row {}: expected ones, and zeros for padding before or behind them, found another order",
                                                        masks->where, row));
      }
      kept = *found;
      if (kept.first != 0) check_padding_in_front(plan.model->config());
      if (kept.first != 0 && plan.model->task() == Task::token_classification) {
        throw Problem(ProblemKind::invalid, fmt::format("{}: row {}: expected padding behind the tokens, each of which has an answer, found some before them",
                                                        masks->where, row));
      }
    }
    const auto of = [&](const InputTensor& tensor) { return std::span(tensor.numbers).subspan(row * length + kept.first, kept.second - kept.first); };
    check_row(*plan.model, limits, of(*ids), fmt::format("{}: row {}", ids->where, row));
    plan.rows.add_row(of(*ids), types ? of(*types) : std::span<const std::int32_t>{});
  }
  return length;
}

HttpResponse inferred(const ClassifyPlan& plan, const ClassifyResult& result, const std::vector<WantedOutput>& outputs,
                      const std::optional<std::string>& id, std::size_t row_length) {
  result.throw_problems();
  JsonWriter json;
  std::string bytes;
  json.begin_object();
  json.field("model_name", plan.model->name);
  json.field("model_version", kVersion);
  if (id) json.field("id", *id);
  json.key("outputs");
  json.begin_array();
  for (const WantedOutput& wanted : outputs) write_tensor(output(wanted, result, plan, row_length), json, bytes);
  json.end_array();
  json.end_object();
  HttpResponse response = json_response(json);
  const bool is_binary = std::any_of(outputs.begin(), outputs.end(), [](const WantedOutput& wanted) { return wanted.binary; });
  if (is_binary) {
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("inference-header-content-length", std::to_string(response.body.size()));
    response.body += bytes;
  }
  return response;
}

Plan plan_of_tensors(const HttpRequest& request, std::string_view part, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = model_at(part, context);
  std::vector<WantedOutput> outputs;
  std::optional<std::string> id;
  std::size_t row_length = 0;
  const TensorBody body = split_body(request);
  read_body(body.json, [&](const JsonValue& root) {
    id = string_field(root, "id");
    std::vector<InputTensor> tensors = read_tensors(root.at("inputs"), body.bytes);
    const bool of_texts = find(tensors, "text") || find(tensors, "text_pair");
    outputs = read_outputs(root, *plan.model, !of_texts);
    read_parameters(root, plan);
    if (of_texts) {
      check_tokenizer(*plan.model);
      texts_of_tensors(tensors, plan);
    } else {
      row_length = read_rows(tensors, context.limits, plan);
    }
  });
  if (plan.texts.empty() && plan.rows.batch_size() == 0) throw Problem(ProblemKind::empty, "inputs: expected at least one text, found none");
  if (plan.model->task() == Task::token_classification) {
    check_entities(plan, context.limits);
    plan.wants_token_logits = std::any_of(outputs.begin(), outputs.end(), [](const WantedOutput& wanted) { return wanted.name == "logits"; });
  } else {
    check_options(*plan.model, plan.options);
  }
  plan.answer = [outputs, id, row_length](const ClassifyPlan& asked, const ClassifyResult& result) { return inferred(asked, result, outputs, id, row_length); };
  return plan;
}

// The inputs are those that a request must have: text_pair, token_type_ids and attention_mask may come beside them.
Plan model_metadata(const HttpRequest&, std::string_view part, const ServeContext& context) {
  const auto model = model_at(part, context);
  JsonWriter json;
  json.begin_object();
  json.field("name", model->name);
  json.key("versions");
  json.array(std::initializer_list<std::string_view>{kVersion});
  json.field("platform", "filbert");
  json.field("task", task_name(*model));
  json.key("inputs");
  json.begin_array();
  if (model->has_tokenizer()) {
    write_metadata("text", "BYTES", {-1}, json);
  } else {
    write_metadata("input_ids", "INT64", {-1, -1}, json);
  }
  json.end_array();
  json.key("outputs");
  json.begin_array();
  write_output_metadata(*model, json);
  json.end_array();
  json.end_object();
  return json_response(json);
}

Plan model_ready(const HttpRequest&, std::string_view part, const ServeContext& context) {
  const auto model = model_at(part, context);
  JsonWriter json;
  json.begin_object();
  json.field("name", model->name);
  json.field("ready", context.ready);
  json.end_object();
  return json_response(json, context.ready ? 200 : 503);
}

Plan live(const HttpRequest&, std::string_view, const ServeContext&) {
  JsonWriter json;
  json.begin_object();
  json.field("live", true);
  json.end_object();
  return json_response(json);
}

// The protocol has "live" here too, KServe's servers "ready".
Plan ready(const HttpRequest&, std::string_view, const ServeContext& context) {
  JsonWriter json;
  json.begin_object();
  json.field("live", true);
  json.field("ready", context.ready);
  json.end_object();
  return json_response(json, context.ready ? 200 : 503);
}

Plan server_metadata(const HttpRequest&, std::string_view, const ServeContext&) {
  JsonWriter json;
  json.begin_object();
  json.field("name", "filbert");
  json.field("version", FILBERT_VERSION);
  json.key("extensions");
  json.array(std::initializer_list<std::string_view>{"classification", "binary_tensor_data", "model_repository"});
  json.end_object();
  return json_response(json);
}

// Triton's index of models, which has to be asked for by POST.
Plan repository_index(const HttpRequest&, std::string_view, const ServeContext& context) {
  JsonWriter json;
  json.begin_array();
  for (const auto& model : context.models.all()) {
    json.begin_object();
    json.field("name", model->name);
    json.field("version", kVersion);
    json.field("state", context.ready ? "READY" : "UNAVAILABLE");
    json.field("reason", context.ready ? "" : "draining");
    json.end_object();
  }
  json.end_array();
  return json_response(json);
}

constexpr Route kOpenInferenceRoutes[] = {
    {"GET", "/v2", true, open_inference_problem, server_metadata},
    {"GET", "/v2/health/live", false, open_inference_problem, live},
    {"GET", "/v2/health/ready", false, open_inference_problem, ready},
    {"GET", "/v2/models/{name}", true, open_inference_problem, model_metadata},
    {"GET", "/v2/models/{name}/ready", true, open_inference_problem, model_ready},
    {"POST", "/v2/models/{name}/infer", true, open_inference_problem, plan_of_tensors},
    {"POST", "/v2/repository/index", true, open_inference_problem, repository_index},
};

}  // namespace

std::span<const Route> open_inference_routes() { return kOpenInferenceRoutes; }

}  // namespace filbert::serve
