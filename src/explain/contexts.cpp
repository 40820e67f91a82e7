// A token of a text beside those of an index: its own pass through the model, the search, and what the heads do in the sentences that were
// found, which is computed anew from their texts: an index that kept attention would be a hundred times as large.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>
#include <filbert/version.h>

#include "base/names.h"
#include "base/refuse.h"
#include "base/text.h"
#include "explain/contexts_file.h"
#include "explain/contexts_words.h"
#include "explain/report_html.h"
#include "explain/report_page.h"
#include "postprocess/answers.h"

namespace filbert {
namespace {

constexpr std::size_t kMostMasked = 40;                          // tokens of a query of which each is masked in turn
constexpr std::size_t kBytesOfAttention = std::size_t{32} << 20;  // of the sentences that go through the model at once

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begun) { return std::chrono::duration<double, std::milli>(Clock::now() - begun).count(); }

BatchEncoding tokenize(const TextClassificationPipeline& classifier, std::span<const TextInput> texts, std::size_t max_length) {
  return classifier.tokenizer()(texts, {.truncation = Truncation::longest_first, .max_length = max_length, .offset_unit = OffsetUnit::bytes});
}

std::vector<ContextToken> tokens_of(const TextClassificationPipeline& classifier, const BatchEncoding& inputs, std::size_t row) {
  std::vector<ContextToken> tokens;
  for (std::size_t at = inputs.row_starts[row]; at < inputs.row_starts[row + 1]; ++at) {
    tokens.push_back({.token = std::string(classifier.tokenizer().id_to_token(inputs.input_ids[at])),
                      .offset = inputs.offset_mapping[at],
                      .special = inputs.special_tokens_mask[at] != 0,
                      .token_index = at - inputs.row_starts[row],
                      .sequence_id = inputs.special_tokens_mask[at] != 0 ? -1 : inputs.sequence_ids[at]});
  }
  return tokens;
}

std::vector<Classification> answers_of(const TextClassificationPipeline& classifier, const BatchEncoding& inputs, const Tensor& logits) {
  const Config& config = classifier.config();
  return answers(inputs, logits, apply(default_function_to_apply(config), logits), {}, config);
}

struct Query {
  const TextClassificationPipeline& classifier;
  const SimilarOptions& options;
  SimilarReport& report;
  TextInput text;         // the report's
  BatchEncoding inputs;

  SequenceClassifierOutput run(const BatchEncoding& rows, bool vectors) const {
    return classifier.model()(rows, {.output_hidden_states = vectors, .output_attentions = true, .output_contexts = vectors,
                                     .layers = std::vector{report.layer}});
  }

  void mask(const std::vector<std::size_t>& tokens) const {
    const std::optional<std::string> mask_token = classifier.tokenizer().mask_token();
    const auto id = mask_token ? classifier.tokenizer().token_to_id(*mask_token) : std::nullopt;
    if (!id) refuse("mask: expected a tokenizer with a mask token, found one without");
    BatchEncoding rows;
    for (const std::size_t token : tokens) {
      std::vector<std::int32_t> ids = inputs.input_ids;
      ids[token] = *id;
      rows.add_row(ids, inputs.token_type_ids);
    }
    SequenceClassifierOutput output = run(rows, false);
    const std::vector<Classification> all = answers_of(classifier, rows, output.logits);
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      report.query.masked.push_back({tokens[row], all[row], std::move(output.outputs.attentions[report.layer][row])});
    }
  }

  void mask_all() const {
    const std::vector<ContextToken>& tokens = report.query.tokens;
    std::vector<std::size_t> wanted;
    if (options.mask) wanted.push_back(find_token(tokens, text, *options.mask, "mask"));
    if (options.mask_each && tokens.size() <= kMostMasked && classifier.tokenizer().mask_token()) {
      for (const ContextToken& token : tokens) {
        if (!token.special && (wanted.empty() || token.token_index != wanted.front())) wanted.push_back(token.token_index);
      }
    }
    if (!wanted.empty()) mask(wanted);
  }
};

// One row's attention, as the report has it of a hit.
void add_attention(const Tensor& attention, const std::vector<std::size_t>& heads, SimilarHit& hit) {
  const std::size_t num_heads = attention.rows(), tokens = hit.tokens.size();
  hit.attention_out = Tensor({num_heads, tokens});
  hit.attention_in = Tensor({num_heads, tokens});
  hit.mean_out.assign(tokens, 0);
  hit.mean_in.assign(tokens, 0);
  for (std::size_t head = 0; head < num_heads; ++head) {
    const float* weights = attention[head].data();
    for (std::size_t token = 0; token < tokens; ++token) {
      hit.attention_out[head][token] = weights[hit.match * tokens + token];
      hit.attention_in[head][token] = weights[token * tokens + hit.match];
    }
  }
  for (const std::size_t head : heads) {
    for (std::size_t token = 0; token < tokens; ++token) {
      hit.mean_out[token] += double{hit.attention_out[head][token]} / static_cast<double>(heads.size());
      hit.mean_in[token] += double{hit.attention_in[head][token]} / static_cast<double>(heads.size());
    }
  }
  for (std::size_t token = 0; token < tokens; ++token) {
    if (hit.tokens[token].special) {
      hit.special_share += hit.mean_out[token];
    } else if (!hit.most || hit.mean_out[token] > hit.mean_out[*hit.most]) {
      hit.most = token;
    }
  }
  if (hit.most) hit.offset_to_most = static_cast<std::ptrdiff_t>(*hit.most) - static_cast<std::ptrdiff_t>(hit.match);
}

// Puts the row that the model sees in the place of the stored tokens.
void add_row(const TextClassificationPipeline& classifier, const BatchEncoding& inputs, std::size_t row, const Tensor& attention,
             const std::vector<std::size_t>& heads, SimilarHit& hit) {
  const std::size_t first = inputs.row_starts[row], length = inputs.row_length(row);
  for (const IndexedToken& token : hit.text.tokens) {
    if (token.token < length && inputs.input_ids[first + token.token] == token.input_id) continue;
    throw Error(ErrorKind::corrupt, fmt::format("row {}: expected the tokens that the index has, found that the tokenizer makes others", hit.text.row));
  }
  const std::size_t match = hit.tokens[hit.match].token_index;
  hit.tokens = tokens_of(classifier, inputs, row);
  hit.match = match;
  add_attention(attention, heads, hit);
}

void add_attention(const TextClassificationPipeline& classifier, std::size_t max_length, const std::function<bool()>& cancelled, SimilarReport& report) {
  std::map<std::size_t, std::vector<SimilarHit*>> by_text;
  for (SimilarHit& hit : report.hits) by_text[hit.text.tokens.front().text].push_back(&hit);
  for (auto at = by_text.begin(); at != by_text.end();) {
    if (cancelled && cancelled()) {
      report.warnings.push_back(fmt::format("stopped: the attention in {} of the {} sentences was not looked at", std::distance(at, by_text.end()),
                                            by_text.size()));
      return;
    }
    const auto first = at;
    std::vector<TextInput> texts;
    std::size_t bytes = 0;
    do {  // as many as their attention leaves room for
      const std::size_t tokens = at->second.front()->text.tokens.size() + 4;
      bytes += tokens * tokens * report.num_heads * sizeof(float);
      texts.push_back({at->second.front()->text.text, std::nullopt});
      ++at;
    } while (at != by_text.end() && bytes < kBytesOfAttention);
    const BatchEncoding inputs = tokenize(classifier, texts, max_length);
    const EncoderOutputs outputs = classifier.model()(inputs, {.output_attentions = true, .layers = std::vector{report.layer}}).outputs;
    std::size_t row = 0;
    for (auto each = first; each != at; ++each, ++row) {
      for (SimilarHit* hit : each->second) add_row(classifier, inputs, row, outputs.attentions[report.layer][row], report.heads, *hit);
    }
  }
}

SimilarHit hit_of(const TextClassificationPipeline& classifier, const ContextIndex& index, const Nearest& found) {
  const IndexedToken token = index.token(found.place);
  SimilarHit hit;
  hit.similarity = found.similarity;
  hit.place = found.place;
  hit.text = index.text(token.text);
  hit.label = index.info().labels[hit.text.label];
  for (const IndexedToken& each : hit.text.tokens) {
    if (each.input_id < 0 || static_cast<std::size_t>(each.input_id) >= classifier.tokenizer().vocab_size()) {
      throw Error(ErrorKind::corrupt, fmt::format("text {}: input_id: expected one of the vocabulary, found {}", token.text, each.input_id));
    }
    if (each.token == token.token) hit.match = hit.tokens.size();
    hit.tokens.push_back({std::string(classifier.tokenizer().id_to_token(each.input_id)), each.offset, false, each.token, 0});
  }
  hit.word = word_at(hit.text.text, token.offset);
  if (hit.match > 0) hit.previous = word_at(hit.text.text, hit.tokens[hit.match - 1].offset);
  if (hit.match + 1 < hit.tokens.size()) hit.next = word_at(hit.text.text, hit.tokens[hit.match + 1].offset);
  hit.token_class = class_of(hit.text.text, hit.tokens, hit.match);
  return hit;
}

std::vector<NameCount> counted(const std::vector<SimilarHit>& hits, const auto& name_of) {
  std::map<std::string, std::size_t> counts;
  for (const SimilarHit& hit : hits) {
    if (const std::optional<std::string> name = name_of(hit)) ++counts[*name];
  }
  std::vector<NameCount> list;
  for (const auto& [name, count] : counts) list.push_back({name, count});
  std::ranges::stable_sort(list, std::ranges::greater(), &NameCount::count);
  return list;
}

}  // namespace

SimilarReport similar(const TextClassificationPipeline& classifier, const ContextIndex& index, TextInput text, const TokenChoice& token,
                      const SimilarOptions& options) {
  const IndexInfo& info = index.info();
  SimilarReport report;
  report.layer = options.layer.value_or(info.layers.back().layer);
  report.by = options.by;
  report.num_heads = info.layers[find_layer(info, report.layer)].heads;
  report.heads = chosen_heads(options.heads, report.num_heads);
  report.index = info;
  report.version = FILBERT_VERSION;
  report.dtype = std::string(name(classifier.model().compute_dtype()));
  if (report.dtype != info.dtype) report.warnings.push_back(fmt::format("the index was made in {}, the query is computed in {}", info.dtype, report.dtype));

  const Clock::time_point begun = Clock::now();
  report.query.text = replace_invalid_utf8(text.text);
  if (text.text_pair) report.query.text_pair = replace_invalid_utf8(*text.text_pair);
  const TextInput input{report.query.text, report.query.text_pair};
  Query query{classifier, options, report, input, tokenize(classifier, std::span(&input, 1), info.max_length)};
  if (query.inputs.rows.front().truncated) {
    report.warnings.push_back(fmt::format("the text has {} tokens, of which the model sees {}", query.inputs.rows.front().tokens_total,
                                          query.inputs.total_tokens()));
  }
  report.query.tokens = tokens_of(classifier, query.inputs, 0);
  report.query.token = find_token(report.query.tokens, input, token, "token");
  SequenceClassifierOutput output = query.run(query.inputs, true);
  report.query.answer = answers_of(classifier, query.inputs, output.logits).front();
  report.query.attention = std::move(output.outputs.attentions[report.layer].front());
  const Tensor& vectors = (report.by == SimilarBy::context ? output.outputs.contexts : output.outputs.hidden_states)[report.layer];
  report.query_milliseconds = milliseconds_since(begun);

  const Clock::time_point search_begun = Clock::now();
  for (const Nearest& found : index.nearest(vectors[report.query.token], report.layer, report.by, report.heads, options.top_k, options.num_threads)) {
    report.hits.push_back(hit_of(classifier, index, found));
  }
  report.search_milliseconds = milliseconds_since(search_begun);
  query.mask_all();
  if (!options.attention) return report;
  const Clock::time_point attention_begun = Clock::now();
  add_attention(classifier, info.max_length, options.cancelled, report);
  report.attention_milliseconds = milliseconds_since(attention_begun);
  return report;
}

ExplainedContexts explained_contexts(const TextClassificationPipeline& classifier, const ContextIndex& index, const ExplainReport& report,
                                     const SimilarOptions& options, std::size_t most) {
  const ExplainOptions& how = report.options;
  if (how.unit == ExplainUnit::sentence || how.unit == ExplainUnit::regex) {
    throw Error(ErrorKind::unsupported, fmt::format("unit: expected word or token, which have a context to search by, found {}", name(how.unit)));
  }
  ExplainedContexts contexts;
  const std::vector<NamedValues> methods = report.values();
  if (methods.empty()) return contexts;
  contexts.method = methods.front().method;
  const std::vector<double>& values = methods.front().values;
  const TextInput text{report.text.text, report.text.text_pair};
  const std::vector<ContextToken> tokens = tokens_of(classifier, tokenize(classifier, std::span(&text, 1), index.info().max_length), 0);
  for (const std::size_t unit : by_size(values)) {
    if (contexts.units.size() == most || !std::isfinite(values[unit]) || values[unit] == 0) break;
    const ExplainedUnit& of = report.text.units[unit];
    const OffsetBytes bytes(of.sequence_id == 1 ? *text.text_pair : text.text, how.offset_unit);
    const Offset place{bytes(of.offset.begin), bytes(of.offset.end)};
    std::vector<std::size_t> within;
    for (const ContextToken& token : tokens) {
      if (token.sequence_id == of.sequence_id && token.offset.begin < place.end && token.offset.end > place.begin) within.push_back(token.token_index);
    }
    if (within.empty()) continue;  // cut off where the index's texts would be
    contexts.units.push_back({unit, values[unit], within.size(), similar(classifier, index, text, {.index = within.front()}, options)});
  }
  return contexts;
}

std::vector<NameCount> SimilarReport::predicted() const {
  return counted(hits, [](const SimilarHit& hit) { return std::optional(hit.label); });
}
std::vector<NameCount> SimilarReport::gold() const {
  return counted(hits, [](const SimilarHit& hit) { return hit.text.gold; });
}
std::vector<NameCount> SimilarReport::classes() const {
  return counted(hits, [](const SimilarHit& hit) { return std::optional(std::string(name(hit.token_class))); });
}
std::vector<NameCount> SimilarReport::words() const {
  return counted(hits, [](const SimilarHit& hit) { return std::optional(hit.word); });
}
std::vector<NameCount> SimilarReport::previous_words() const {
  return counted(hits, [](const SimilarHit& hit) { return hit.previous.empty() ? std::nullopt : std::optional(hit.previous); });
}
std::vector<NameCount> SimilarReport::next_words() const {
  return counted(hits, [](const SimilarHit& hit) { return hit.next.empty() ? std::nullopt : std::optional(hit.next); });
}
std::vector<NameCount> SimilarReport::most_words() const {
  return counted(hits, [](const SimilarHit& hit) { return hit.most ? std::optional(word_at(hit.text.text, hit.tokens[*hit.most].offset)) : std::nullopt; });
}

std::vector<NameCount> SimilarReport::most_offsets() const {
  std::map<std::ptrdiff_t, std::size_t> counts;
  for (const SimilarHit& hit : hits) {
    if (hit.most) ++counts[hit.offset_to_most];
  }
  std::vector<NameCount> list;
  for (const auto& [offset, count] : counts) {
    list.push_back({offset == 0 ? std::string("0") : fmt::format("{}{}", offset > 0 ? "+" : "−", std::abs(offset)), count});
  }
  return list;
}

}  // namespace filbert
