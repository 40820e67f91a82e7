// Reads the text to be explained: what the model sees of it, its units, and what takes the place of one that is masked. Tested by
// explainer_test.cpp.
#include "explain/explainer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/text.h"
#include "tokenize/offsets.h"

namespace filbert {
namespace {

// A call of the model for masked texts is of about as many tokens: enough to fill it, few enough to stop in time.
constexpr std::size_t kBatchTokens = 1024;

std::vector<Span> tokens_of(const BatchEncoding& encoding, std::int32_t sequence_id) {
  std::vector<Span> tokens;
  for (std::size_t token = 0; token < encoding.total_tokens(); ++token) {
    if (encoding.sequence_ids[token] != sequence_id) continue;
    tokens.push_back({encoding.offset_mapping[token].begin, encoding.offset_mapping[token].end});
  }
  return tokens;
}

Offset in_unit(std::string_view text, Span span, OffsetUnit unit) {
  Offset offset{span.begin, span.end};
  convert_offsets(text, unit, std::span(&offset, 1));
  return offset;
}

}  // namespace

Explainer::Impl::Impl(const TextClassificationPipeline& pipeline, TextInput input, const ExplainOptions& wanted)
    : classifier(pipeline),
      options(wanted),
      function(wanted.function_to_apply.value_or(default_function_to_apply(pipeline.config()))),
      predictor(pipeline, {.max_length = wanted.max_length}) {
  if (options.budget) budget.deadline = std::chrono::steady_clock::now() + *options.budget;
  budget.cancelled = options.cancelled;
  read_text(input);
  find_target();
}

void Explainer::Impl::read_text(TextInput input) {
  text.text = replace_invalid_utf8(input.text);
  if (input.text_pair) text.text_pair = replace_invalid_utf8(*input.text_pair);
  const TextInput whole{text.text, text.text_pair};
  const ClassifyOptions classify{.function_to_apply = options.function_to_apply, .threshold = options.threshold, .max_length = options.max_length,
                                .use_decision = false};
  const auto start = std::chrono::steady_clock::now();
  text.classification = classifier(std::span(&whole, 1), classify).front();
  predictor.know({text.text, text.text_pair}, text.classification.logits,
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (options.compat == ExplainCompat::lime) return cut_as_lime();
  if (options.compat == ExplainCompat::shap) return cut_as_shap();
  encoding = classifier.tokenizer()(std::span(&whole, 1), {.truncation = Truncation::longest_first,
                                                           .max_length = options.max_length.value_or(classifier.max_length()),
                                                           .offset_unit = OffsetUnit::bytes,
                                                           .num_threads = 1});
  find_units();
  mask_units();
}

// A unit is seen if one of its tokens is; what truncation cut off stays out of every masked text, since it would come into view there.
void Explainer::Impl::find_units() {
  for (std::int32_t id = 0; id < (text.text_pair ? 2 : 1); ++id) {
    const std::string& part = id == 0 ? text.text : *text.text_pair;
    const std::vector<Span> tokens = tokens_of(encoding, id);
    std::vector<Span> spans = unit_spans(part, tokens, options);
    Span& seen = seen_[id] = {0, part.size()};
    if (encoding.rows.front().truncated) {
      std::size_t first = part.size(), last = 0;
      for (const Span& token : tokens) {
        first = std::min(first, token.begin);
        last = std::max(last, token.end);
      }
      std::erase_if(spans, [&](const Span& span) { return span.begin >= last || span.end <= first; });
      const bool cut_behind = first <= part.size() - last || tokens.empty();
      if (cut_behind) seen.end = spans.empty() ? 0 : spans.back().end;
      if (!cut_behind) seen.begin = spans.empty() ? part.size() : spans.front().begin;
      const Span rest = cut_behind ? Span{seen.end, part.size()} : Span{0, seen.begin};
      if (!word_spans(std::string_view(part).substr(rest.begin, rest.end - rest.begin), {}).empty()) {
        text.not_seen.emplace_back(id, in_unit(part, rest, options.offset_unit));
      } else {
        seen = {0, part.size()};
      }
    }
    if (id == 0) second_text = spans.size();
    std::vector<Offset> offsets;
    for (const Span& span : spans) offsets.push_back({span.begin, span.end});
    convert_offsets(part, options.offset_unit, offsets);
    for (std::size_t unit = 0; unit < spans.size(); ++unit) {
      const Span span = spans[unit];
      const std::size_t next = unit + 1 < spans.size() ? spans[unit + 1].begin : seen.end;
      places_.push_back({id, span});
      segments.push_back(part.substr(span.begin, std::max(next, span.end) - span.begin));
      text.units.push_back({part.substr(span.begin, span.end - span.begin), offsets[unit], id});
    }
  }
  if (!text.text_pair) second_text = places_.size();
}

void Explainer::Impl::mask_units() {
  const std::optional<std::string> token = classifier.tokenizer().mask_token();
  switch (options.masking) {
    case Masking::automatic: text.mask = token.value_or(""); break;
    case Masking::mask_token:
      if (!token) throw Error(ErrorKind::unsupported, "mask: expected a tokenizer with a mask token, found none; units can be removed");
      text.mask = *token;
      break;
    case Masking::remove: text.mask = ""; break;
    case Masking::string: text.mask = options.mask_string; break;
  }
  mask = [this](std::span<const std::uint8_t> kept) -> MaskedText {
    // Whole, it is what classify was given, with what truncation cut off.
    if (std::find(kept.begin(), kept.end(), 0) == kept.end()) return {text.text, text.text_pair};
    MaskedText masked{masked_part(0, kept)};
    if (text.text_pair) masked.text_pair = masked_part(1, kept);
    return masked;
  };
}

std::string Explainer::Impl::masked_part(std::int32_t sequence_id, std::span<const std::uint8_t> kept) const {
  const std::string& part = sequence_id == 0 ? text.text : *text.text_pair;
  std::string masked;
  std::size_t at = seen_[sequence_id].begin;
  const std::size_t last = sequence_id == 0 ? second_text : places_.size();
  for (std::size_t unit = sequence_id == 0 ? 0 : second_text; unit < last; ++unit) {
    const Span span = places_[unit].span;
    masked.append(part, at, span.begin - at);
    if (kept[unit] != 0) {
      masked.append(part, span.begin, span.end - span.begin);
    } else {
      masked += text.mask;
    }
    at = span.end;
  }
  masked.append(part, at, seen_[sequence_id].end - at);
  return masked;
}

void Explainer::Impl::find_target() {
  text.target = options.target;
  text.label = text.classification.label;
  text.label = classifier.config().id2label.at(static_cast<int>(label_id(options.label)));
  if (options.target == ExplainTarget::contrast) {
    if (!options.against) throw Error(ErrorKind::invalid_argument, "target: a contrast expects a second label, found none");
    text.against = classifier.config().id2label.at(static_cast<int>(label_id(options.against)));
    if (text.against == text.label) {
      throw Error(ErrorKind::invalid_argument, fmt::format("target: a contrast expects two labels, found \"{}\" twice", text.label));
    }
  }
  Tensor logits({1, text.classification.logits.size()});
  logits.data = text.classification.logits;
  text.score = targets(logits)[output(label_id({}))];
}

std::size_t Explainer::Impl::label_id(const std::optional<std::string>& wanted) const {
  const auto& id2label = classifier.config().id2label;
  const std::string& name = wanted ? *wanted : text.label;
  std::vector<std::string> names;
  for (const auto& [id, label] : id2label) {
    if (label == name) return static_cast<std::size_t>(id);
    names.push_back(label);
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("label: expected one of {}, found \"{}\"", first_of(names, 12), name));
}

std::size_t Explainer::Impl::num_outputs() const {
  return options.target == ExplainTarget::contrast ? 1 : classifier.config().num_labels();
}

std::vector<double> Explainer::Impl::targets(const Tensor& logits) const {
  if (options.target == ExplainTarget::contrast) {
    const std::size_t label = label_id({}), against = label_id(text.against);
    std::vector<double> values(logits.rows());
    for (std::size_t row = 0; row < values.size(); ++row) values[row] = double{logits[row][label]} - double{logits[row][against]};
    return values;
  }
  const Tensor values = options.target == ExplainTarget::logit ? logits : apply(function, logits);
  return {values.data.begin(), values.data.end()};
}

std::size_t Explainer::Impl::batch_size() const {
  return std::clamp<std::size_t>(kBatchTokens / std::max<std::size_t>(text.classification.tokens_used, 1), 8, 128);
}

ShapPlayers Explainer::Impl::shap_players() const {
  return {.segments = segments, .separator = separator, .second_text = text.text_pair ? second_text : 0, .varying = varying};
}

Tensor Explainer::Impl::logits_of(const Masks& masks) {
  std::vector<MaskedText> texts(masks.rows);
  for (std::size_t row = 0; row < masks.rows; ++row) texts[row] = mask(masks[row]);
  Tensor logits = predictor.logits(texts);
  if (options.progress) options.progress(predictor.texts_run());
  return logits;
}

Game Explainer::Impl::game() {
  return {.num_players = text.units.size(), .num_outputs = num_outputs(), .batch_size = batch_size(),
          .seconds_of_a_set = predictor.seconds_of_a_text(), .values = [this](const Masks& masks) { return targets(logits_of(masks)); }};
}

Game Explainer::Impl::score_game(std::size_t label) {
  const std::size_t num_labels = classifier.config().num_labels();
  const auto values = [this, label, num_labels](const Masks& masks) {
    const Tensor logits = logits_of(masks);
    const Tensor scores = apply(function, logits);
    const std::vector<double> of_targets = targets(logits);
    std::vector<double> rows;
    for (std::size_t row = 0; row < masks.rows; ++row) {
      rows.insert(rows.end(), scores[row].begin(), scores[row].end());
      rows.push_back(of_targets[row * num_outputs() + output(label)]);
    }
    return rows;
  };
  return {.num_players = text.units.size(), .num_outputs = num_labels + 1, .batch_size = batch_size(), .values = values};
}

}  // namespace filbert
