#include "explain/contexts_json.h"

#include "explain/contexts_file.h"
#include "tokenize/offsets.h"

namespace filbert {
namespace {

// Where the tokens of one text stand in it, in code points; those of another one are {0, 0}.
std::vector<Offset> places_of(const std::vector<ContextToken>& tokens, std::string_view text, std::int32_t sequence_id = 0) {
  std::vector<Offset> places;
  for (const ContextToken& token : tokens) places.push_back(token.sequence_id == sequence_id ? token.offset : Offset{0, 0});
  convert_offsets(text, OffsetUnit::code_points, places);
  return places;
}

void write_token(const ContextToken& token, const Offset& place, JsonWriter& json) {
  json.field("index", token.token_index);
  json.field("token", token.token);
  json.field("start", place.begin);
  json.field("end", place.end);
  json.field("special", token.special);
}

// The same of a pair's row, whose tokens stand in either text.
std::vector<Offset> places_of(const SimilarQuery& query) {
  std::vector<Offset> places = places_of(query.tokens, query.text);
  if (!query.text_pair) return places;
  const std::vector<Offset> of_pair = places_of(query.tokens, *query.text_pair, 1);
  for (std::size_t token = 0; token < places.size(); ++token) {
    if (query.tokens[token].sequence_id == 1) places[token] = of_pair[token];
  }
  return places;
}

void write_query_token(const SimilarQuery& query, std::size_t token, const std::vector<Offset>& places, JsonWriter& json) {
  json.begin_object();
  write_token(query.tokens[token], places[token], json);
  if (query.text_pair && !query.tokens[token].special) json.field("sequence_id", query.tokens[token].sequence_id);
  json.end_object();
}

// The mean over the heads of what `token` looks at: [tokens].
std::vector<float> row_of(const Tensor& attention, const std::vector<std::size_t>& heads, std::size_t token) {
  const std::size_t tokens = attention.shape.size() == 3 ? attention.shape[1] : 0;
  std::vector<float> mean(tokens);
  for (std::size_t key = 0; key < tokens; ++key) {
    double sum = 0;
    for (const std::size_t head : heads) sum += double{attention[head][token * tokens + key]};
    mean[key] = static_cast<float>(sum / static_cast<double>(heads.size()));
  }
  return mean;
}

void write_answer(const Classification& answer, JsonWriter& json) {
  json.field("label", answer.label);
  json.field("score", answer.score);
  json.key("scores");
  json.begin_object();
  for (const LabelScore& score : answer.scores) json.field(score.label, score.score);
  json.end_object();
}

void write_query(const SimilarReport& report, JsonWriter& json) {
  const SimilarQuery& query = report.query;
  const std::vector<Offset> places = places_of(query);
  json.field("text", query.text);
  if (query.text_pair) json.field("text_pair", *query.text_pair);
  json.key("token");
  write_query_token(query, query.token, places, json);
  write_answer(query.answer, json);
  json.key("tokens");
  json.begin_array();
  for (std::size_t token = 0; token < query.tokens.size(); ++token) write_query_token(query, token, places, json);
  json.end_array();
  json.key("attention");
  json.array(row_of(query.attention, report.heads, query.token));
  json.key("masked");
  json.begin_array();
  for (const MaskedQuery& masked : query.masked) {
    json.begin_object();
    json.field("index", masked.token);
    write_answer(masked.answer, json);
    json.key("attention");
    json.array(row_of(masked.attention, report.heads, query.token));
    json.end_object();
  }
  json.end_array();
}

void write_hit(const SimilarHit& hit, JsonWriter& json) {
  const std::vector<Offset> places = places_of(hit.tokens, hit.text.text);
  json.begin_object();
  json.field("similarity", hit.similarity);
  json.field("place", hit.place);
  json.field("row", hit.text.row);
  json.field("text", hit.text.text);
  json.field("label", hit.label);
  json.field("score", hit.text.score);
  json.key("gold");
  if (hit.text.gold) {
    json.value(*hit.text.gold);
  } else {
    json.null();
  }
  json.field("truncated", hit.text.truncated);
  json.field("match", hit.match);
  json.field("word", hit.word);
  json.field("previous", hit.previous);
  json.field("next", hit.next);
  json.field("token_class", name(hit.token_class));
  if (hit.most) {
    json.field("most", *hit.most);
    json.field("offset_to_most", hit.offset_to_most);
    json.field("special_share", hit.special_share);
  }
  json.key("tokens");
  json.begin_array();
  for (std::size_t token = 0; token < hit.tokens.size(); ++token) {
    json.begin_object();
    write_token(hit.tokens[token], places[token], json);
    if (!hit.mean_out.empty()) {
      json.field("attention_out", static_cast<float>(hit.mean_out[token]));
      json.field("attention_in", static_cast<float>(hit.mean_in[token]));
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_counts(std::string_view key, const std::vector<NameCount>& counts, JsonWriter& json) {
  json.key(key);
  json.begin_array();
  for (const NameCount& each : counts) {
    json.begin_object();
    json.field("name", each.name);
    json.field("count", each.count);
    json.end_object();
  }
  json.end_array();
}

void write_hits(const SimilarReport& report, JsonWriter& json) {
  json.key("hits");
  json.begin_array();
  for (const SimilarHit& hit : report.hits) write_hit(hit, json);
  json.end_array();
  json.key("counts");
  json.begin_object();
  write_counts("labels", report.predicted(), json);
  write_counts("gold", report.gold(), json);
  write_counts("token_classes", report.classes(), json);
  write_counts("words", report.words(), json);
  write_counts("previous", report.previous_words(), json);
  write_counts("next", report.next_words(), json);
  write_counts("most", report.most_words(), json);
  write_counts("offset_to_most", report.most_offsets(), json);
  json.end_object();
  json.key("warnings");
  json.array(report.warnings);
}

// What was searched, and by what.
void write_search(const SimilarReport& report, JsonWriter& json) {
  json.field("layer", report.layer);
  json.field("by", name(report.by));
  json.key("heads");
  json.array(report.heads);
}

}  // namespace

void write_json(const IndexInfo& info, JsonWriter& json) {
  json.begin_object();
  write_fields(info, json);
  json.field("bytes", info.bytes);
  json.field("version", info.version);
  json.field("command", info.command);
  json.end_object();
}

void write_json(const SimilarReport& report, JsonWriter& json) {
  json.begin_object();
  write_query(report, json);
  write_search(report, json);
  write_hits(report, json);
  json.key("milliseconds");
  json.begin_object();
  json.field("query", report.query_milliseconds);
  json.field("search", report.search_milliseconds);
  json.field("attention", report.attention_milliseconds);
  json.end_object();
  json.field("model", report.model);
  json.field("dtype", report.dtype);
  json.field("version", report.version);
  json.field("command", report.command);
  json.key("index");
  write_json(report.index, json);
  json.end_object();
}

void write_json(const ExplainedContexts& contexts, JsonWriter& json) {
  json.begin_object();
  json.field("method", contexts.method);
  if (!contexts.units.empty()) {
    const SimilarReport& first = contexts.units.front().similar;
    write_search(first, json);
    json.key("index");
    write_json(first.index, json);
  }
  json.key("units");
  json.begin_array();
  for (const ExplainedContext& each : contexts.units) {
    const SimilarQuery& query = each.similar.query;
    json.begin_object();
    json.field("unit", each.unit);
    json.field("value", each.value);
    json.field("tokens", each.tokens);
    json.key("token");
    write_query_token(query, query.token, places_of(query), json);
    write_hits(each.similar, json);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace filbert
