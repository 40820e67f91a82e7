// An evaluation as one JSON object, every number in full: docs/evaluate.md, "As JSON". Tested by evaluation_json_test.cpp.
#pragma once

#include <filbert/evaluate.h>

#include "base/json_writer.h"

namespace filbert {

void write_json(const EvaluationReport& report, JsonWriter& json);

}  // namespace filbert
