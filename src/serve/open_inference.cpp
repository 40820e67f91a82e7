// The dialect of the Open Inference Protocol, version 2 over HTTP (https://github.com/kserve/open-inference-protocol), with Triton's extensions that
// its clients use: classification, binary tensor data, and the index of models. Texts come as the tensor "text", pairs with "text_pair", rows that
// were tokenized elsewhere as "input_ids"; logits, scores and labels go back. Each model is its version 1. Tested by open_inference_test.cpp.
#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/version.h>

#include "load/config_family.h"
#include "serve/classify_json.h"
#include "serve/request_json.h"
#include "serve/tensors.h"
#include "tokenize/padding.h"

namespace filbert::serve {
namespace {

constexpr std::string_view kVersion = "1";

HttpResponse in_words(const Problem& problem) {
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

// An output that was asked for.
struct WantedOutput {
  std::string name;
  bool binary = false;
  std::size_t classification = 0;  // how many "value:index:label"; 0: the tensor itself
};

void check_name(const JsonValue& name) {
  constexpr std::array<std::string_view, 4> kNames = {"logits", "scores", "probabilities", "label"};
  if (std::find(kNames.begin(), kNames.end(), name.as_string()) == kNames.end()) name.fail("logits, scores, probabilities (the same) or label");
}

std::vector<WantedOutput> read_outputs(const JsonValue& root) {
  const auto of_request = root.find("parameters");
  const bool binary = of_request && bool_field(*of_request, "binary_data_output").value_or(false);
  const auto outputs = root.find("outputs");
  std::vector<WantedOutput> wanted;
  if (outputs) {
    outputs->for_each_element([&](const JsonValue& output) {
      check_name(output.at("name"));
      WantedOutput each{std::string(output.at("name").as_string()), binary, 0};
      if (const auto parameters = output.find("parameters")) {
        if (parameters->find("shared_memory_region")) {
          throw Problem(ProblemKind::unsupported, fmt::format("{}: expected data to be sent, found shared memory", output.where()));
        }
        each.binary = bool_field(*parameters, "binary_data").value_or(binary);
        each.classification = count_field(*parameters, "classification", {}).value_or(0);
        if (each.classification != 0 && each.name == "label") output.fail("classification of logits or scores, not of label");
      }
      wanted.push_back(std::move(each));
    });
  }
  if (wanted.empty()) wanted = {{"logits", binary, 0}, {"scores", binary, 0}, {"label", binary, 0}};
  return wanted;
}

// priority is 1 for the first, higher for later, 0 for the usual; timeout is in microseconds.
void read_parameters(const JsonValue& root, ClassifyPlan& plan) {
  const auto parameters = root.find("parameters");
  if (!parameters) return;
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

[[noreturn]] void refuse(const InputTensor& tensor, std::string_view expected) {
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
void read_texts(std::vector<InputTensor>& tensors, ClassifyPlan& plan) {
  check_names(tensors, {"text", "text_pair"});
  for (InputTensor& tensor : tensors) {
    const bool is_list = tensor.shape.size() == 1 || (tensor.shape.size() == 2 && tensor.shape[1] == 1);
    if (tensor.datatype != "BYTES" || !is_list) refuse(tensor, "BYTES of shape [n] or [n, 1]");
  }
  const InputTensor* const texts = find(tensors, "text");
  const InputTensor* const pairs = find(tensors, "text_pair");
  if (!texts) throw Problem(ProblemKind::invalid, "inputs: expected a tensor \"text\" beside \"text_pair\", found none");
  if (pairs && pairs->strings.size() != texts->strings.size()) refuse(*pairs, fmt::format("as many as of text ({})", texts->strings.size()));
  for (std::size_t at = 0; at < texts->strings.size(); ++at) {
    plan.texts.push_back({texts->strings[at], pairs ? std::optional(pairs->strings[at]) : std::nullopt});
  }
}

// [n, length] of ids; what the mask hides is cut off.
void read_rows(const std::vector<InputTensor>& tensors, const ServeLimits& limits, ClassifyPlan& plan) {
  check_names(tensors, {"input_ids", "token_type_ids", "attention_mask"});
  const InputTensor* const ids = find(tensors, "input_ids");
  const InputTensor* const types = find(tensors, "token_type_ids");
  const InputTensor* const masks = find(tensors, "attention_mask");
  if (!ids) throw Problem(ProblemKind::invalid, "inputs: expected a tensor \"text\" or \"input_ids\", found neither");
  for (const InputTensor* tensor : {ids, types, masks}) {
    if (tensor && (tensor->datatype == "BYTES" || tensor->shape.size() != 2)) refuse(*tensor, "INT64 or INT32 of shape [n, tokens]");
    if (tensor && tensor->shape != ids->shape) refuse(*tensor, "the shape of input_ids");
  }
  const std::size_t length = ids->shape[1];
  if (length == 0) return;  // no row has a token
  for (std::size_t row = 0; row < ids->shape[0]; ++row) {
    std::pair<std::size_t, std::size_t> kept{0, length};
    if (masks) {
      const auto found = without_padding(std::span(masks->numbers).subspan(row * length, length));
      if (!found) {
        throw Problem(ProblemKind::invalid, fmt::format("{}: row {}: expected ones, and zeros for padding before or behind them, found another order",
                                                        masks->where, row));
      }
      kept = *found;
      if (kept.first != 0) check_padding_in_front(plan.model->classifier.config());
    }
    const auto of = [&](const InputTensor& tensor) { return std::span(tensor.numbers).subspan(row * length + kept.first, kept.second - kept.first); };
    check_row(*plan.model, limits, of(*ids), fmt::format("{}: row {}", ids->where, row));
    plan.rows.add_row(of(*ids), types ? of(*types) : std::span<const std::int32_t>{});
  }
}

// "0.97:4:5 stars", highest first.
OutputTensor classes(const OutputTensor& tensor, std::size_t count, const std::map<int, std::string>& id2label) {
  const std::size_t labels = id2label.size();
  count = std::min(count, labels);
  OutputTensor classes{.name = tensor.name, .shape = {tensor.shape[0], count}, .is_bytes = true, .binary = tensor.binary};
  std::vector<std::size_t> ids(labels);
  for (std::size_t row = 0; row < tensor.shape[0]; ++row) {
    const std::span<const float> values = std::span(tensor.numbers).subspan(row * labels, labels);
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    std::stable_sort(ids.begin(), ids.end(), [&](std::size_t left, std::size_t right) { return values[left] > values[right]; });
    for (std::size_t place = 0; place < count; ++place) {
      classes.strings.push_back(fmt::format("{}:{}:{}", values[ids[place]], ids[place], id2label.at(static_cast<int>(ids[place]))));
    }
  }
  return classes;
}

// Logits are of the model's own labels, scores of those that answers show.
OutputTensor output(const WantedOutput& wanted, const ClassifyResult& result, const ClassifyPlan& plan) {
  const TextClassificationPipeline& classifier = plan.model->classifier;
  const auto& id2label = wanted.name == "logits" ? classifier.config().id2label : classifier.id2label(plan.options);
  OutputTensor tensor{.name = wanted.name, .shape = {result.outcomes.size()}, .is_bytes = wanted.name == "label", .binary = wanted.binary};
  if (!tensor.is_bytes) tensor.shape.push_back(id2label.size());
  for (const Outcome& outcome : result.outcomes) {
    const Classification& answer = answer_of(outcome);
    if (wanted.name == "label") {
      tensor.strings.push_back(answer.label);
    } else if (wanted.name == "logits") {
      tensor.numbers.insert(tensor.numbers.end(), answer.logits.begin(), answer.logits.end());
    } else {
      for (const LabelScore& score : answer.scores) tensor.numbers.push_back(score.score);
    }
  }
  return wanted.classification == 0 ? tensor : classes(tensor, wanted.classification, id2label);
}

HttpResponse inferred(const ClassifyPlan& plan, const ClassifyResult& result, const std::vector<WantedOutput>& outputs,
                      const std::optional<std::string>& id) {
  result.throw_problems();
  JsonWriter json;
  std::string bytes;
  json.begin_object();
  json.field("model_name", plan.model->name);
  json.field("model_version", kVersion);
  if (id) json.field("id", *id);
  json.key("outputs");
  json.begin_array();
  for (const WantedOutput& wanted : outputs) write_tensor(output(wanted, result, plan), json, bytes);
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

Plan infer(const HttpRequest& request, std::string_view part, const ServeContext& context) {
  ClassifyPlan plan;
  plan.model = model_at(part, context);
  std::vector<WantedOutput> outputs;
  std::optional<std::string> id;
  const TensorBody body = split_body(request);
  read_body(body.json, [&](const JsonValue& root) {
    id = string_field(root, "id");
    std::vector<InputTensor> tensors = read_tensors(root.at("inputs"), body.bytes);
    outputs = read_outputs(root);
    read_parameters(root, plan);
    if (find(tensors, "text") || find(tensors, "text_pair")) {
      check_tokenizer(*plan.model);
      read_texts(tensors, plan);
    } else {
      read_rows(tensors, context.limits, plan);
    }
  });
  if (plan.texts.empty() && plan.rows.batch_size() == 0) throw Problem(ProblemKind::empty, "inputs: expected at least one text, found none");
  check_options(*plan.model, plan.options);
  plan.answer = [outputs, id](const ClassifyPlan& asked, const ClassifyResult& result) { return inferred(asked, result, outputs, id); };
  return plan;
}

void write_metadata(std::string_view name, std::string_view datatype, std::initializer_list<int> shape, JsonWriter& json) {
  json.begin_object();
  json.field("name", name);
  json.field("datatype", datatype);
  json.key("shape");
  json.array(shape);
  json.end_object();
}

// The inputs are those that a request must have: text_pair, token_type_ids and attention_mask may come beside them.
Plan model_metadata(const HttpRequest&, std::string_view part, const ServeContext& context) {
  const auto model = model_at(part, context);
  const int labels = static_cast<int>(model->classifier.config().num_labels());
  JsonWriter json;
  json.begin_object();
  json.field("name", model->name);
  json.key("versions");
  json.array(std::initializer_list<std::string_view>{kVersion});
  json.field("platform", "filbert");
  json.key("inputs");
  json.begin_array();
  if (model->classifier.has_tokenizer()) {
    write_metadata("text", "BYTES", {-1}, json);
  } else {
    write_metadata("input_ids", "INT64", {-1, -1}, json);
  }
  json.end_array();
  json.key("outputs");
  json.begin_array();
  write_metadata("logits", "FP32", {-1, labels}, json);
  write_metadata("scores", "FP32", {-1, static_cast<int>(model->classifier.id2label().size())}, json);
  write_metadata("label", "BYTES", {-1}, json);
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

constexpr Route kRoutes[] = {
    {"GET", "/v2", true, in_words, server_metadata},
    {"GET", "/v2/health/live", false, in_words, live},
    {"GET", "/v2/health/ready", false, in_words, ready},
    {"GET", "/v2/models/{name}", true, in_words, model_metadata},
    {"GET", "/v2/models/{name}/ready", true, in_words, model_ready},
    {"POST", "/v2/models/{name}/infer", true, in_words, infer},
    {"POST", "/v2/repository/index", true, in_words, repository_index},
};

}  // namespace

std::span<const Route> open_inference_routes() { return kRoutes; }

}  // namespace filbert::serve
