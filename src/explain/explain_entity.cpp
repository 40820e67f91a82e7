#include <filbert/explain_entity.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/names.h"
#include "base/text.h"
#include "explain/game.h"
#include "explain/gradients.h"
#include "explain/occlusion.h"
#include "explain/units.h"
#include "infer/model.h"
#include "postprocess/tags.h"
#include "tokenize/offsets.h"

namespace filbert {
namespace {

using Clock = std::chrono::steady_clock;

// A call of the model is of about so many tokens: enough to fill it, few enough to stop in time.
constexpr std::size_t kTokensOfACall = 1024;

// What attention does is the same for every token.
bool is_known(std::string_view method) {
  const std::vector<std::string_view> of_gradients = gradient_methods();
  return method == "occlusion" || (!method.starts_with("attention") && std::ranges::find(of_gradients, method) != of_gradients.end());
}

void check(const EntityExplainOptions& options) {
  if (options.methods.empty()) throw Error(ErrorKind::invalid_argument, "method: expected at least one, found none");
  for (const std::string& method : options.methods) {
    if (is_known(method)) continue;
    throw Error(ErrorKind::unsupported, fmt::format("method: expected occlusion, saliency, input_x_gradient, integrated_gradients or smoothgrad for "
                                                    "an entity, found \"{}\"", method));
  }
  const ExplainOptions& explain = options.explain;
  if (explain.target == ExplainTarget::contrast) throw Error(ErrorKind::unsupported, "target: expected probability or logit for an entity, found contrast");
  if (explain.compat != ExplainCompat::none) {
    throw Error(ErrorKind::unsupported, fmt::format("compat: expected none for an entity, found {}", name(explain.compat)));
  }
  if (explain.masking != Masking::automatic && explain.masking != Masking::mask_token) {
    throw Error(ErrorKind::unsupported, fmt::format("mask: expected the mask token for an entity, whose tokens keep their places, found {}",
                                                    name(explain.masking)));
  }
}

// The labels of each type, in the order of their ids.
using Types = std::vector<std::pair<std::string, std::vector<std::size_t>>>;
Types types_of(const std::map<int, std::string>& id2label) {
  const std::vector<Tag> tags = tags_of(id2label, scheme_of(id2label, TaggingScheme::automatic));
  Types types;
  for (std::size_t label = 0; label < tags.size(); ++label) {
    const auto known = std::ranges::find_if(types, [&](const auto& type) { return type.first == tags[label].type; });
    if (known == types.end()) {
      types.emplace_back(tags[label].type, std::vector<std::size_t>{label});
    } else {
      known->second.push_back(label);
    }
  }
  return types;
}

std::vector<std::size_t> labels_of(const std::string& name, const Types& types, const std::map<int, std::string>& id2label) {
  std::vector<std::string> names;
  for (const auto& [type, labels] : types) {
    if (type == name) return labels;
    names.push_back(type);
  }
  for (const auto& [id, label] : id2label) {
    if (label == name) return {static_cast<std::size_t>(id)};
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("entity: expected one of {}, found \"{}\"", first_of(names, 12), name));
}

bool overlap(const Offset& token, const Offset& place) { return token.begin < place.end && token.end > place.begin; }

// A text as a row of tokens, its units, and the tokens of the entity in it.
class EntityText {
 public:
  EntityText(const TokenClassificationPipeline& pipeline, std::string_view given, const Entity& entity, const EntityExplainOptions& options);

  EntityExplanation explanation;
  BatchEncoding row;
  std::optional<std::int32_t> mask_id;
  ScoreOfLabels target;

  // The values of sets of units: the target where the tokens of the others are mask tokens.
  std::vector<double> values(const Masks& masks) const;
  // Units' values are the sums of those of their tokens.
  void share_out(GradientExplanation& gradient) const;
  std::size_t batch_size() const { return std::clamp<std::size_t>(kTokensOfACall / row.total_tokens(), 1, 128); }

 private:
  void find_tokens(std::string_view given, const Entity& entity, OffsetUnit unit);
  void find_units(const ExplainOptions& options);
  void classify(const Types& types);
  double target_of(const Tensor& logits, std::size_t first) const;

  const TokenClassificationPipeline& pipeline_;
  std::vector<std::vector<std::size_t>> units_of_token_;  // [tokens]
};

EntityText::EntityText(const TokenClassificationPipeline& pipeline, std::string_view given, const Entity& entity, const EntityExplainOptions& options)
    : pipeline_(pipeline) {
  const auto& id2label = pipeline.config().id2label;
  const Types types = types_of(id2label);
  ExplainedText& text = explanation.report.text;
  explanation.entity = entity;
  text.text = replace_invalid_utf8(given);
  text.label = options.explain.label.value_or(entity.entity);
  text.target = options.explain.target;
  target = {.is_logit = text.target == ExplainTarget::logit, .labels = labels_of(text.label, types, id2label)};
  row = pipeline.tokenizer()(text.text, {.truncation = Truncation::longest_first,
                                         .max_length = options.explain.max_length.value_or(pipeline.max_length()),
                                         .offset_unit = OffsetUnit::bytes,
                                         .num_threads = 1});
  find_tokens(given, entity, options.explain.offset_unit);
  find_units(options.explain);
  if (const auto mask = pipeline.tokenizer().mask_token()) {
    mask_id = pipeline.tokenizer().token_to_id(*mask);
    text.mask = *mask;
  }
  classify(types);
}

void EntityText::find_tokens(std::string_view given, const Entity& entity, OffsetUnit unit) {
  std::vector<Offset> offsets = row.offset_mapping;
  convert_offsets(given, unit, offsets);
  for (std::size_t token = 0; token < offsets.size(); ++token) {
    const bool is_own = overlap(offsets[token], entity.offset) || offsets[token] == entity.offset;  // a space alone, in byte-level BPE, has an empty place
    if (row.special_tokens_mask[token] == 0 && is_own) explanation.tokens.push_back(token);
  }
  if (!explanation.tokens.empty()) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("entity: expected one that the model sees, found none of its tokens from {} to {}{}",
                                                       entity.offset.begin, entity.offset.end,
                                                       row.rows.front().truncated ? ", and the text is truncated" : ""));
}

// Units without a token are those that truncation cut off, and what the tokenizer drops: nothing changes where they are masked.
void EntityText::find_units(const ExplainOptions& options) {
  ExplainedText& text = explanation.report.text;
  std::vector<Span> tokens;
  for (std::size_t token = 0; token < row.total_tokens(); ++token) {
    if (row.special_tokens_mask[token] == 0) tokens.push_back({row.offset_mapping[token].begin, row.offset_mapping[token].end});
  }
  std::vector<Span> spans = unit_spans(text.text, tokens, options);
  if (row.rows.front().truncated) {
    const std::size_t begin = tokens.front().begin, end = tokens.back().end;
    std::erase_if(spans, [&](const Span& span) { return span.begin >= end || span.end <= begin; });
    Offset not_seen = begin > text.text.size() - end ? Offset{0, begin} : Offset{end, text.text.size()};
    convert_offsets(text.text, options.offset_unit, std::span(&not_seen, 1));
    text.not_seen.emplace_back(0, not_seen);
  }
  std::vector<Offset> offsets;
  for (const Span& span : spans) offsets.push_back({span.begin, span.end});
  units_of_token_.resize(row.total_tokens());
  for (std::size_t token = 0; token < row.total_tokens(); ++token) {
    for (std::size_t unit = 0; unit < offsets.size(); ++unit) {
      if (row.special_tokens_mask[token] == 0 && overlap(row.offset_mapping[token], offsets[unit])) units_of_token_[token].push_back(unit);
    }
  }
  for (const std::size_t token : explanation.tokens) {
    for (const std::size_t unit : units_of_token_[token]) {
      if (explanation.units.empty() || explanation.units.back() < unit) explanation.units.push_back(unit);
    }
  }
  convert_offsets(text.text, options.offset_unit, offsets);
  for (std::size_t unit = 0; unit < spans.size(); ++unit) {
    text.units.push_back({text.text.substr(spans[unit].begin, spans[unit].end - spans[unit].begin), offsets[unit], 0});
  }
}

// What the model says of the entity's tokens as the text stands.
void EntityText::classify(const Types& types) {
  const Tensor logits = pipeline_.model()(row).logits;
  ExplainedText& text = explanation.report.text;
  text.score = target_of(logits, 0);
  Classification& answer = text.classification;
  for (const auto& [type, labels] : types) {
    const ScoreOfLabels probability{.labels = labels};
    double sum = 0;
    for (const std::size_t token : explanation.tokens) sum += probability(logits[token], {});
    answer.scores.push_back({type, static_cast<float>(sum / static_cast<double>(explanation.tokens.size()))});
  }
  const auto best = std::ranges::max_element(answer.scores, {}, &LabelScore::score);
  answer.label = best->label;
  answer.score = best->score;
  answer.tokens_total = row.rows.front().tokens_total;
  answer.tokens_used = row.total_tokens();
  answer.truncated = row.rows.front().truncated;
  answer.invalid_utf8 = row.rows.front().invalid_utf8;
}

double EntityText::target_of(const Tensor& logits, std::size_t first) const {
  double sum = 0;
  for (const std::size_t token : explanation.tokens) sum += target(logits[first + token], {});
  return sum / static_cast<double>(explanation.tokens.size());
}

std::vector<double> EntityText::values(const Masks& masks) const {
  BatchEncoding batch;
  std::vector<std::int32_t> ids;
  for (std::size_t set = 0; set < masks.rows; ++set) {
    ids = row.input_ids;
    for (std::size_t token = 0; token < ids.size(); ++token) {
      const auto is_masked = [&](std::size_t unit) { return masks[set][unit] == 0; };
      if (std::ranges::any_of(units_of_token_[token], is_masked)) ids[token] = *mask_id;
    }
    batch.add_row(ids, row.token_type_ids);
  }
  const Tensor logits = pipeline_.model()(batch).logits;
  std::vector<double> values;
  for (std::size_t set = 0; set < masks.rows; ++set) values.push_back(target_of(logits, batch.row_starts[set]));
  return values;
}

void EntityText::share_out(GradientExplanation& gradient) const {
  gradient.values.assign(explanation.report.text.units.size(), 0);
  for (std::size_t token = 0; token < gradient.token_values.size(); ++token) {
    gradient.tokens.emplace_back(pipeline_.tokenizer().id_to_token(row.input_ids[token]));
    const std::vector<std::size_t>& units = units_of_token_[token];
    for (const std::size_t unit : units) gradient.values[unit] += gradient.token_values[token] / static_cast<double>(units.size());
    if (units.empty()) gradient.special += gradient.token_values[token];
  }
}

OcclusionExplanation occlusion_of(const EntityText& text, const Budget& budget, const ExplainOptions& options) {
  if (!text.mask_id) throw Error(ErrorKind::unsupported, "mask: expected a tokenizer with a mask token, found none");
  std::size_t evaluations = 0;
  const Game game{.num_players = text.explanation.report.text.units.size(),
                  .num_outputs = 1,
                  .batch_size = text.batch_size(),
                  .values = [&](const Masks& masks) {
                    evaluations += masks.rows;
                    if (options.progress) options.progress(evaluations);
                    return text.values(masks);
                  }};
  OcclusionExplanation result = occlusion(game, 0, false, budget);
  result.evaluations = evaluations;
  return result;
}

}  // namespace

EntityExplanation explain_entity(const TokenClassificationPipeline& pipeline, std::string_view text, const Entity& entity,
                                 const EntityExplainOptions& options) {
  check(options);
  const Clock::time_point start = Clock::now();
  Budget budget{.cancelled = options.explain.cancelled};
  if (options.explain.budget) budget.deadline = start + *options.explain.budget;
  EntityText of_text(pipeline, text, entity, options);
  ExplainReport& report = of_text.explanation.report;
  const auto has = [&](std::string_view method) { return std::ranges::find(options.methods, method) != options.methods.end(); };
  if (has("occlusion")) report.occlusion = occlusion_of(of_text, budget, options.explain);
  std::unique_ptr<const Model> exact;
  for (const std::string_view method : gradient_methods()) {
    if (!has(method)) continue;
    const GradientProblem problem{.model = exact_model(pipeline.model().internals(), Task::token_classification, exact),
                                  .row = of_text.row,
                                  .tokens = of_text.explanation.tokens,
                                  .pad_id = pad_id_of(pipeline.config()),
                                  .mask_id = of_text.mask_id,
                                  .target = of_text.target,
                                  .budget = budget};
    GradientExplanation gradient = gradients_of(problem, gradient_method_from_name(method), options.gradients);
    of_text.share_out(gradient);
    report.gradients.push_back(std::move(gradient));
  }
  report.options = options.explain;
  report.gradient_options = options.gradients;
  report.version = FILBERT_VERSION;
  report.dtype = name(pipeline.model().compute_dtype());
  report.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  return std::move(of_text.explanation);
}

}  // namespace filbert
