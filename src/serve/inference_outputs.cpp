#include "serve/inference_outputs.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "serve/classify_json.h"
#include "serve/entities_json.h"
#include "serve/request_json.h"

namespace filbert::serve {
namespace {

void check_name(const JsonValue& name, const ServedModel& model, bool of_rows) {
  constexpr std::array<std::string_view, 4> kNames = {"logits", "scores", "probabilities", "label"};
  const std::string_view wanted = name.as_string();
  if (model.task() == Task::token_classification) {
    if (wanted != "logits" && wanted != "entities") name.fail("entities or logits");
    if (wanted == "entities" && of_rows) name.fail("logits, since entities have places in a text, and there is none");
  } else if (std::find(kNames.begin(), kNames.end(), wanted) == kNames.end()) {
    name.fail("logits, scores, probabilities (the same) or label");
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
OutputTensor output_of_texts(const WantedOutput& wanted, const ClassifyResult& result, const ClassifyPlan& plan) {
  const TextClassificationPipeline& classifier = plan.model->classifier();
  const auto& id2label = wanted.name == "logits" ? plan.model->config().id2label : classifier.id2label(plan.options);
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

// Each text's entities as JSON; or its tokens' logits [texts, tokens, labels], zeros where it has fewer tokens.
OutputTensor output_of_tokens(const WantedOutput& wanted, const ClassifyResult& result, const ClassifyPlan& plan, std::size_t row_length) {
  if (wanted.name == "entities") {
    OutputTensor tensor{.name = wanted.name, .shape = {result.outcomes.size()}, .is_bytes = true, .binary = wanted.binary};
    JsonWriter json;
    for (const Outcome& outcome : result.outcomes) {
      write_entities(outcome, plan, json);
      tensor.strings.push_back(json.take_line());
      tensor.strings.back().pop_back();
    }
    return tensor;
  }
  const std::size_t labels = plan.model->config().num_labels();
  std::size_t numbers = row_length * labels;
  for (const Outcome& outcome : result.outcomes) numbers = std::max(numbers, outcome.token_logits.size());
  OutputTensor tensor{.name = wanted.name, .shape = {result.outcomes.size(), numbers / labels, labels}, .binary = wanted.binary};
  for (const Outcome& outcome : result.outcomes) {
    tensor.numbers.insert(tensor.numbers.end(), outcome.token_logits.begin(), outcome.token_logits.end());
    tensor.numbers.resize(tensor.numbers.size() + numbers - outcome.token_logits.size());
  }
  return tensor;
}

}  // namespace

std::vector<WantedOutput> read_outputs(const JsonValue& root, const ServedModel& model, bool of_rows) {
  const auto of_request = root.find("parameters");
  const bool binary = of_request && bool_field(*of_request, "binary_data_output").value_or(false);
  const auto outputs = root.find("outputs");
  std::vector<WantedOutput> wanted;
  if (outputs) {
    outputs->for_each_element([&](const JsonValue& output) {
      check_name(output.at("name"), model, of_rows);
      WantedOutput each{std::string(output.at("name").as_string()), binary, 0};
      if (const auto parameters = output.find("parameters")) {
        if (parameters->find("shared_memory_region")) {
          throw Problem(ProblemKind::unsupported, fmt::format("{}: expected data to be sent, found shared memory", output.where()));
        }
        each.binary = bool_field(*parameters, "binary_data").value_or(binary);
        each.classification = count_field(*parameters, "classification", {}).value_or(0);
        const bool of_tokens = model.task() == Task::token_classification;
        if (each.classification != 0 && of_tokens) output.fail("no classification, since it is tokens that this model labels");
        if (each.classification != 0 && each.name == "label") output.fail("classification of logits or scores, not of label");
      }
      wanted.push_back(std::move(each));
    });
  }
  if (!wanted.empty()) return wanted;
  if (model.task() == Task::token_classification) return {{of_rows ? "logits" : "entities", binary, 0}};
  return {{"logits", binary, 0}, {"scores", binary, 0}, {"label", binary, 0}};
}

OutputTensor output(const WantedOutput& wanted, const ClassifyResult& result, const ClassifyPlan& plan, std::size_t row_length) {
  return plan.model->task() == Task::token_classification ? output_of_tokens(wanted, result, plan, row_length) : output_of_texts(wanted, result, plan);
}

void write_metadata(std::string_view name, std::string_view datatype, std::initializer_list<int> shape, JsonWriter& json) {
  json.begin_object();
  json.field("name", name);
  json.field("datatype", datatype);
  json.key("shape");
  json.array(shape);
  json.end_object();
}

void write_output_metadata(const ServedModel& model, JsonWriter& json) {
  const int labels = static_cast<int>(model.config().num_labels());
  if (model.task() == Task::token_classification) {
    write_metadata("entities", "BYTES", {-1}, json);
    write_metadata("logits", "FP32", {-1, -1, labels}, json);
    return;
  }
  write_metadata("logits", "FP32", {-1, labels}, json);
  write_metadata("scores", "FP32", {-1, static_cast<int>(model.id2label().size())}, json);
  write_metadata("label", "BYTES", {-1}, json);
}

}  // namespace filbert::serve
