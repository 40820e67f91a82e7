#include "explain/contexts_json.h"

#include "explain/contexts_file.h"
#include "tokenize/offsets.h"

namespace filbert {
namespace {

// Where the tokens stand in `text`, in code points.
std::vector<Offset> places_of(const std::vector<ContextToken>& tokens, std::string_view text) {
  std::vector<Offset> places;
  for (const ContextToken& token : tokens) places.push_back(token.offset);
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
  const std::vector<Offset> places = places_of(query.tokens, query.text);
  json.field("text", query.text);
  json.key("token");
  json.begin_object();
  write_token(query.tokens[query.token], places[query.token], json);
  json.end_object();
  write_answer(query.answer, json);
  json.key("tokens");
  json.begin_array();
  for (std::size_t token = 0; token < query.tokens.size(); ++token) {
    json.begin_object();
    write_token(query.tokens[token], places[token], json);
    json.end_object();
  }
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
  json.field("layer", report.layer);
  json.field("by", name(report.by));
  json.key("heads");
  json.array(report.heads);
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
  write_counts("next", report.next_words(), json);
  write_counts("most", report.most_words(), json);
  write_counts("offset_to_most", report.most_offsets(), json);
  json.end_object();
  json.key("warnings");
  json.array(report.warnings);
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

}  // namespace filbert
