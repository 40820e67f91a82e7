// An explanation as one JSON object, with all that is needed to have it again. docs/explain.md describes the fields. Tested by
// explain_json_test.cpp.
#pragma once

#include <filbert/contexts.h>
#include <filbert/explain.h>
#include <filbert/explain_entity.h>

#include "base/json_writer.h"

namespace filbert {

// `contexts` are of it, where there are some.
void write_json(const ExplainReport& report, JsonWriter& json, const ExplainedContexts* contexts = nullptr);
// The same, and before it the entity, which of the units are its own, and which tokens the target is the mean of.
void write_json(const EntityExplanation& explanation, JsonWriter& json);

}  // namespace filbert
