// The weights for programs: every number as the shortest decimal that reads back to the same float, arrays nested as transformers' are.
#include <filbert/attention.h>

#include <span>
#include <vector>

#include "base/json_writer.h"
#include "postprocess/answers.h"

namespace filbert {
namespace {

// [rows of `width`] of a matrix.
void matrix(std::span<const float> values, std::size_t width, JsonWriter& json) {
  json.begin_array();
  for (std::size_t at = 0; at < values.size(); at += width) json.array(values.subspan(at, width));
  json.end_array();
}

void layers(std::string_view key, const AttentionMap& map, Tensor AttentionLayer::* member, JsonWriter& json) {
  json.key(key);
  json.begin_array();
  for (const AttentionLayer& layer : map.layers) {
    const Tensor& tensor = layer.*member;
    json.begin_array();
    for (std::size_t head = 0; head < tensor.rows(); ++head) matrix(tensor[head], tensor.shape[2], json);
    json.end_array();
  }
  json.end_array();
}

// Of a layer that is not here null, in the place of its number.
void hidden_states(const AttentionMap& map, JsonWriter& json) {
  json.key("hidden_states");
  json.begin_array();
  for (const Tensor& states : map.hidden_states) states.data.empty() ? json.null() : matrix(states.data, states.row_size(), json);
  json.end_array();
}

void tokens(std::string_view key, const AttentionMap& map, JsonWriter& json, const auto& write) {
  json.key(key);
  json.begin_array();
  for (const AttentionToken& token : map.tokens) write(token);
  json.end_array();
}

void answer(const Classification& answer, JsonWriter& json) {
  if (!answer.label.empty()) {
    json.field("label", answer.label);
    json.field("score", answer.score);
    write_scores(answer.scores, json);
  }
  json.field("tokens_total", answer.tokens_total);
  json.field("tokens_used", answer.tokens_used);
  json.field("truncated", answer.truncated);
  if (answer.invalid_utf8 > 0) json.field("invalid_utf8", answer.invalid_utf8);
}

void numbers(const AttentionMap& map, JsonWriter& json) {
  json.field("num_layers", map.num_layers);
  json.field("num_heads", map.num_heads);
  json.key("layers");
  json.begin_array();
  for (const AttentionLayer& layer : map.layers) json.value(layer.layer);
  json.end_array();
  json.key("heads");
  json.array(map.heads);
}

}  // namespace

std::string attention_json(const AttentionMap& map) {
  JsonWriter json;
  json.begin_object();
  json.field("text", map.text);
  if (map.text_pair) json.field("text_pair", *map.text_pair);
  answer(map.classification, json);
  tokens("tokens", map, json, [&](const AttentionToken& token) { json.value(token.token); });
  tokens("offset_mapping", map, json, [&](const AttentionToken& token) { json.array(std::vector{token.offset.begin, token.offset.end}); });
  tokens("sequence_ids", map, json, [&](const AttentionToken& token) { token.sequence_id < 0 ? json.null() : json.value(token.sequence_id); });
  tokens("special_tokens_mask", map, json, [&](const AttentionToken& token) { json.value(token.special ? 1 : 0); });
  if (map.sentence_b_start) json.field("sentence_b_start", *map.sentence_b_start);
  numbers(map, json);
  layers("attentions", map, &AttentionLayer::weights, json);
  if (!map.layers.empty() && !map.layers.front().queries.data.empty()) {
    layers("queries", map, &AttentionLayer::queries, json);
    layers("keys", map, &AttentionLayer::keys, json);
  }
  if (!map.layers.empty() && !map.layers.front().values.data.empty()) {
    layers("values", map, &AttentionLayer::values, json);
    layers("contexts", map, &AttentionLayer::contexts, json);
  }
  if (!map.hidden_states.empty()) hidden_states(map, json);
  json.field("dtype", map.dtype);
  json.field("model", map.model);
  json.field("version", map.version);
  json.end_object();
  return json.take_line();
}

}  // namespace filbert
