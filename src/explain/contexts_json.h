// What was found beside a token, and what an index is of, as JSON objects. docs/contexts.md describes the fields. Tested by test_similar.py.
#pragma once

#include <filbert/contexts.h>

#include "base/json_writer.h"

namespace filbert {

// Offsets count code points.
void write_json(const SimilarReport& report, JsonWriter& json);
void write_json(const IndexInfo& info, JsonWriter& json);
void write_json(const ExplainedContexts& contexts, JsonWriter& json);

}  // namespace filbert
