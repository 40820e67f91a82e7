// The numbers of the page of similar tokens, as data for its script: attention in 8 bits, of the text whole, and of the hits' shown tokens.
#include "base/base64.h"
#include "base/json_writer.h"
#include "explain/attention_page.h"
#include "explain/contexts_page.h"
#include "explain/report_html.h"

namespace filbert {
namespace {

constexpr std::size_t kMostBytesOfMasked = std::size_t{1} << 19;  // of attention with a token masked; beyond, only scores are told

std::string in_8_bits(const Tensor& weights) { return base64(eight_bits(weights.data)); }

// [heads, shown tokens]
std::string shown_in_8_bits(const Tensor& weights, std::size_t first, std::size_t last) {
  std::string bytes;
  for (std::size_t head = 0; head < weights.rows(); ++head) bytes += eight_bits(weights[head].subspan(first, last - first));
  return base64(bytes);
}

void write_scores(const Classification& answer, JsonWriter& json) {
  json.key("scores");
  json.begin_array();
  for (const LabelScore& score : answer.scores) json.value(score.score);
  json.end_array();
  json.field("label", answer.label);
}

void write_page_query(const SimilarReport& report, JsonWriter& json) {
  const SimilarQuery& query = report.query;
  json.key("tokens");
  json.begin_array();
  for (const ContextToken& token : query.tokens) json.value(plain_name(token.token));
  json.end_array();
  json.key("special");
  json.begin_array();
  for (const ContextToken& token : query.tokens) json.value(token.special);
  json.end_array();
  json.key("names");
  json.begin_array();
  for (const LabelScore& score : query.answer.scores) json.value(plain_name(score.label, 64));
  json.end_array();
  write_scores(query.answer, json);
  json.field("attention", in_8_bits(query.attention));
  const bool with_attention = query.masked.size() * query.attention.data.size() <= kMostBytesOfMasked;
  json.key("masked");
  json.begin_array();
  for (const MaskedQuery& masked : query.masked) {
    json.begin_object();
    json.field("token", masked.token);
    write_scores(masked.answer, json);
    if (with_attention) json.field("attention", in_8_bits(masked.attention));
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void contexts_data(const SimilarReport& report, std::string& out) {
  JsonWriter json;
  json.begin_object();
  json.field("heads", report.num_heads);
  json.key("chosen");
  json.array(report.heads);
  json.field("token", report.query.token);
  write_page_query(report, json);
  json.key("hits");
  json.begin_array();
  for (const SimilarHit& hit : report.hits) {
    const std::size_t first = first_shown(hit), last = last_shown(hit);
    json.begin_object();
    json.field("first", first);
    json.field("count", last - first);
    json.field("label", hit.label);
    json.field("previous", hit.previous);
    json.field("next", hit.next);
    if (hit.attention_out.rows() > 0) {
      json.field("out", shown_in_8_bits(hit.attention_out, first, last));
      json.field("in", shown_in_8_bits(hit.attention_in, first, last));
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
  out += data_block("filbert-contexts", json.take_line());
}

}  // namespace filbert
