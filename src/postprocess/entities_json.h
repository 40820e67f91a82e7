// Entities as JSON: the dictionaries of transformers' pipeline, key by key.
#pragma once

#include <span>
#include <string_view>

#include <filbert/entities.h>

#include "base/json_writer.h"

namespace filbert {

// A list of {"entity_group", "score", "word", "start", "end"}; with none of {"entity", "score", "index", "word", "start", "end"}.
void write_entities(std::span<const Entity> entities, AggregationStrategy strategy, JsonWriter& json);

// The members that follow "entities" in answers of Filbert's own: how many tokens the text has, whether all were
// used, and where there is more to say, what was replaced in it and how many windows it was cut into.
void write_text_facts(const TokenClassification& answer, JsonWriter& json);

}  // namespace filbert
