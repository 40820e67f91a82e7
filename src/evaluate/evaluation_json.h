// An evaluation as one JSON object, every number in full: docs/evaluate.md, "As JSON". Tested by evaluation_json_test.cpp.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <filbert/evaluate.h>
#include <filbert/evaluate_entities.h>

#include "base/json_writer.h"

namespace filbert {

void write_json(const EvaluationReport& report, JsonWriter& json);
void write_json(const EntityEvaluationReport& report, JsonWriter& json);  // entities_json.cpp

// {"value", "low", "high"}, and an object of them by name.
void write_measure(const Measure& measure, JsonWriter& json);
void write_measures(const std::vector<NamedMeasure>& measures, JsonWriter& json);
// The fields of what is set.
void write_facts(std::initializer_list<std::pair<const char*, const std::string*>> facts, JsonWriter& json);

}  // namespace filbert
