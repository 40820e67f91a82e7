// What the dialects have in common for models that label tokens: options from a request, entities in an answer.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/json_writer.h"
#include "serve/plan.h"

namespace filbert::serve {

// The model of that name, or the first that labels tokens. Throws Problem(unsupported) for one that labels texts.
std::shared_ptr<const ServedModel> finder_at(const ServeContext& context, std::string_view name);

// "aggregation_strategy" (simple, if it is not there), "ignore_labels", "stride" and "max_length", as transformers' pipeline has them, and our own
// "tagging_scheme", "decoding" and "offset_unit". They throw as the members of JsonValue do.
void read_entities_options(const JsonValue& object, TokenClassificationOptions& options);

// Throws Problem(invalid) for options that this model refuses whatever the text, or for pairs; Problem(too_large) for texts that would be too many windows.
void check_entities(const ClassifyPlan& plan, const ServeLimits& limits);

// The answer, or the problem is thrown.
const TokenClassification& entities_of(const Outcome& outcome);
// The list of a text's entities.
void write_entities(const Outcome& outcome, const ClassifyPlan& plan, JsonWriter& json);

}  // namespace filbert::serve
