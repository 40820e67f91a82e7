#include "serve/entities_json.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "postprocess/entities_json.h"
#include "serve/classify_json.h"
#include "serve/request_json.h"

namespace filbert::serve {

std::shared_ptr<const ServedModel> finder_at(const ServeContext& context, std::string_view name) {
  auto model = context.models.at(name, Task::token_classification);
  (void)model->finder();
  return model;
}

void read_entities_options(const JsonValue& object, TokenClassificationOptions& options) {
  const auto strategy = object.find("aggregation_strategy");
  options.aggregation_strategy = strategy ? aggregation_strategy_from_name(strategy->as_string()) : AggregationStrategy::simple;
  if (const auto labels = object.find("ignore_labels")) {
    options.ignore_labels.clear();
    labels->for_each_element([&](const JsonValue& label) { options.ignore_labels.emplace_back(label.as_string()); });
  }
  options.stride = count_field(object, "stride", {});
  options.max_length = count_field(object, "max_length", {.least = 1});
  if (const auto scheme = object.find("tagging_scheme")) options.tagging_scheme = tagging_scheme_from_name(scheme->as_string());
  if (const auto decoding = object.find("decoding")) options.decoding = decoding_from_name(decoding->as_string());
  if (const auto unit = object.find("offset_unit")) options.offset_unit = offset_unit_from_name(unit->as_string());
}

void check_entities(const ClassifyPlan& plan, const ServeLimits& limits) {
  const ServedModel& model = *plan.model;
  for (const ServedText& text : plan.texts) {
    if (!text.text_pair) continue;
    throw Problem(ProblemKind::invalid, fmt::format("text_pair: expected one text for \"{}\", which labels tokens, found a pair", model.name));
  }
  model.finder().tokenize(std::span<const std::string_view>(), plan.entities);
  if (!plan.entities.stride) return;
  const std::size_t longest = model.max_length();
  const std::size_t length = std::min(plan.entities.max_length.value_or(longest), limits.max_length.value_or(longest));
  std::size_t tokens = 0;
  for (const ServedText& text : plan.texts) tokens += most_window_tokens(text.text.size(), 0, length, *plan.entities.stride);
  check_window_tokens(tokens);
}

const TokenClassification& entities_of(const Outcome& outcome) {
  if (outcome.problem) throw *outcome.problem;
  return outcome.entities;
}

void write_entities(const Outcome& outcome, const ClassifyPlan& plan, JsonWriter& json) {
  filbert::write_entities(entities_of(outcome).entities, plan.entities.aggregation_strategy, json);
}

}  // namespace filbert::serve
