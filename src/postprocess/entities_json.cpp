#include "postprocess/entities_json.h"

namespace filbert {

void write_entities(std::span<const Entity> entities, AggregationStrategy strategy, JsonWriter& json) {
  const bool of_tokens = strategy == AggregationStrategy::none;
  json.begin_array();
  for (const Entity& entity : entities) {
    json.begin_object();
    json.field(of_tokens ? "entity" : "entity_group", entity.entity);
    json.field("score", entity.score);
    if (of_tokens) json.field("index", entity.index);
    json.field("word", entity.word);
    json.field("start", entity.offset.begin);
    json.field("end", entity.offset.end);
    json.end_object();
  }
  json.end_array();
}

void write_text_facts(const TokenClassification& answer, JsonWriter& json) {
  json.field("tokens_total", answer.tokens_total);
  json.field("tokens_used", answer.tokens_used);
  json.field("truncated", answer.truncated);
  if (answer.invalid_utf8 > 0) json.field("invalid_utf8", answer.invalid_utf8);
  if (answer.windows > 1) json.field("windows", answer.windows);
}

}  // namespace filbert
