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
constexpr std::size_t kTokensOfAnEntityCall = 1024;

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
  if (explain.function_to_apply) {
    throw Error(ErrorKind::unsupported, fmt::format("function_to_apply: expected none for an entity, found {}", name(*explain.function_to_apply)));
  }
  if (explain.threshold) throw Error(ErrorKind::unsupported, fmt::format("threshold: expected none for an entity, found {:g}", *explain.threshold));
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

double mean_score(const ScoreOfLabels& score, const Tensor& logits, std::size_t first, std::span<const std::size_t> tokens) {
  double sum = 0;
  for (const std::size_t token : tokens) sum += score(logits[first + token], {});
  return sum / static_cast<double>(tokens.size());
}

// What is here needed of a row, as a batch of its own.
BatchEncoding row_alone(const BatchEncoding& batch, std::size_t row) {
  const auto part = [&](const auto& all) {
    return std::vector(all.begin() + static_cast<std::ptrdiff_t>(batch.row_starts[row]), all.begin() + static_cast<std::ptrdiff_t>(batch.row_starts[row + 1]));
  };
  BatchEncoding alone;
  alone.add_row(part(batch.input_ids), part(batch.token_type_ids));
  alone.special_tokens_mask = part(batch.special_tokens_mask);
  alone.offset_mapping = part(batch.offset_mapping);
  alone.rows = {batch.rows[row]};
  return alone;
}

// The places, in each row, of the tokens with characters of the entity.
std::vector<std::vector<std::size_t>> tokens_of_rows(const BatchEncoding& batch, std::string_view given, const Entity& entity, OffsetUnit unit) {
  std::vector<Offset> offsets = batch.offset_mapping;
  convert_offsets(given, unit, offsets);
  std::vector<std::vector<std::size_t>> tokens(batch.batch_size());
  for (std::size_t row = 0; row < batch.batch_size(); ++row) {
    for (std::size_t token = batch.row_starts[row]; token < batch.row_starts[row + 1]; ++token) {
      const bool is_own = overlap(offsets[token], entity.offset) || offsets[token] == entity.offset;  // a space alone, in byte-level BPE, has an empty place
      if (batch.special_tokens_mask[token] == 0 && is_own) tokens[row].push_back(token - batch.row_starts[row]);
    }
  }
  return tokens;
}

// Bytes of the text that the tokens of rows [first, last) are of.
Span bytes_of_rows(const BatchEncoding& batch, std::size_t first, std::size_t last) {
  Span bytes{static_cast<std::size_t>(-1), 0};
  for (std::size_t token = batch.row_starts[first]; token < batch.row_starts[last]; ++token) {
    if (batch.special_tokens_mask[token] != 0) continue;
    bytes = {std::min(bytes.begin, batch.offset_mapping[token].begin), std::max(bytes.end, batch.offset_mapping[token].end)};
  }
  return bytes;
}

// A text as a row of tokens, its units, and the tokens of the entity in it.
class EntityInText {
 public:
  EntityInText(const TokenClassificationPipeline& pipeline, std::string_view given, const Entity& entity, const EntityExplainOptions& options);

  EntityExplanation explanation;
  BatchEncoding row;
  std::optional<std::int32_t> mask_id;
  ScoreOfLabels target;

  // The values of sets of units: the target where the tokens of the others are mask tokens.
  std::vector<double> values(const Masks& masks) const;
  // Units' values are the sums of those of their tokens.
  void share_out(GradientExplanation& gradient) const;
  std::size_t batch_size() const { return std::clamp<std::size_t>(kTokensOfAnEntityCall / row.total_tokens(), 1, 128); }

 private:
  BatchEncoding encode(const EntityExplainOptions& options) const;
  std::size_t find_window(const BatchEncoding& windows, std::vector<std::vector<std::size_t>>& tokens, const ScoreOfLabels& type);
  void find_units(const ExplainOptions& options);
  void find_not_seen(const BatchEncoding& windows, OffsetUnit unit);
  void classify(const Types& types);

  const TokenClassificationPipeline& pipeline_;
  std::vector<std::vector<std::size_t>> units_of_token_;  // [tokens]
};

EntityInText::EntityInText(const TokenClassificationPipeline& pipeline, std::string_view given, const Entity& entity, const EntityExplainOptions& options)
    : pipeline_(pipeline) {
  const auto& id2label = pipeline.config().id2label;
  const Types types = types_of(id2label);
  ExplainedText& text = explanation.report.text;
  explanation.entity = entity;
  text.text = replace_invalid_utf8(given);
  text.label = options.explain.label.value_or(entity.entity);
  text.target = options.explain.target;
  target = {.is_logit = text.target == ExplainTarget::logit, .labels = labels_of(text.label, types, id2label)};
  const BatchEncoding windows = encode(options);
  std::vector<std::vector<std::size_t>> tokens = tokens_of_rows(windows, given, entity, options.explain.offset_unit);
  explanation.stride = options.stride;
  explanation.windows = windows.batch_size();
  explanation.window = find_window(windows, tokens, {.labels = labels_of(entity.entity, types, id2label)});
  explanation.tokens = std::move(tokens[explanation.window]);
  if (explanation.tokens.empty()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("entity: expected one that the model sees, found none of its tokens from {} to {}{}",
                                                         entity.offset.begin, entity.offset.end,
                                                         windows.rows.front().truncated ? ", and the text is truncated" : ""));
  }
  row = row_alone(windows, explanation.window);
  find_units(options.explain);
  find_not_seen(windows, options.explain.offset_unit);
  if (const auto mask = pipeline.tokenizer().mask_token()) {
    mask_id = pipeline.tokenizer().token_to_id(*mask);
    text.mask = *mask;
  }
  classify(types);
}

BatchEncoding EntityInText::encode(const EntityExplainOptions& options) const {
  return pipeline_.tokenizer()(explanation.report.text.text, {.truncation = Truncation::longest_first,
                                                              .max_length = options.explain.max_length.value_or(pipeline_.max_length()),
                                                              .return_overflowing_tokens = options.stride.has_value(),
                                                              .stride = options.stride.value_or(0),
                                                              .offset_unit = OffsetUnit::bytes,
                                                              .num_threads = 1});
}

// The window with the most of the entity's tokens; of several the one whose model is surest of its type, and of equally sure ones the first.
std::size_t EntityInText::find_window(const BatchEncoding& windows, std::vector<std::vector<std::size_t>>& tokens, const ScoreOfLabels& type) {
  std::size_t most = 0;
  for (const std::vector<std::size_t>& of_row : tokens) most = std::max(most, of_row.size());
  std::vector<std::size_t> candidates;
  BatchEncoding batch;
  for (std::size_t window = 0; window < tokens.size(); ++window) {
    if (tokens[window].size() != most) continue;
    candidates.push_back(window);
    const BatchEncoding alone = row_alone(windows, window);
    batch.add_row(alone.input_ids, alone.token_type_ids);
  }
  if (candidates.size() == 1 || most == 0) return candidates.front();
  const Tensor logits = pipeline_.model()(batch).logits;
  std::vector<double> scores;
  for (std::size_t at = 0; at < candidates.size(); ++at) scores.push_back(mean_score(type, logits, batch.row_starts[at], tokens[candidates[at]]));
  return candidates[static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin())];
}

// What stands before the row and behind it, if that has tokens.
void EntityInText::find_not_seen(const BatchEncoding& windows, OffsetUnit unit) {
  ExplainedText& text = explanation.report.text;
  const Span seen = bytes_of_rows(row, 0, 1), all = bytes_of_rows(windows, 0, windows.batch_size());
  std::vector<Offset> hidden;
  const bool truncated = row.rows.front().truncated, cut_from_the_left = seen.begin > text.text.size() - seen.end;
  if (all.begin < seen.begin || (truncated && cut_from_the_left)) hidden.push_back({0, seen.begin});
  if (all.end > seen.end || (truncated && !cut_from_the_left)) hidden.push_back({seen.end, text.text.size()});
  convert_offsets(text.text, unit, hidden);
  for (const Offset& offset : hidden) text.not_seen.emplace_back(0, offset);
}

// Units without a token are those that truncation cut off, and what the tokenizer drops: nothing changes where they are masked.
void EntityInText::find_units(const ExplainOptions& options) {
  ExplainedText& text = explanation.report.text;
  std::vector<Span> tokens;
  for (std::size_t token = 0; token < row.total_tokens(); ++token) {
    if (row.special_tokens_mask[token] == 0) tokens.push_back({row.offset_mapping[token].begin, row.offset_mapping[token].end});
  }
  std::vector<Span> spans = unit_spans(text.text, tokens, options);
  if (row.rows.front().truncated || explanation.windows > 1) {
    const Span seen = bytes_of_rows(row, 0, 1);
    std::erase_if(spans, [&](const Span& span) { return span.begin >= seen.end || span.end <= seen.begin; });
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
void EntityInText::classify(const Types& types) {
  const Tensor logits = pipeline_.model()(row).logits;
  ExplainedText& text = explanation.report.text;
  text.score = mean_score(target, logits, 0, explanation.tokens);
  Classification& answer = text.classification;
  for (const auto& [type, labels] : types) {
    answer.scores.push_back({type, static_cast<float>(mean_score({.labels = labels}, logits, 0, explanation.tokens))});
  }
  const auto best = std::ranges::max_element(answer.scores, {}, &LabelScore::score);
  answer.label = best->label;
  answer.score = best->score;
  answer.tokens_total = row.rows.front().tokens_total;
  answer.tokens_used = row.total_tokens();
  answer.truncated = row.rows.front().truncated;
  answer.invalid_utf8 = row.rows.front().invalid_utf8;
}

std::vector<double> EntityInText::values(const Masks& masks) const {
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
  for (std::size_t set = 0; set < masks.rows; ++set) values.push_back(mean_score(target, logits, batch.row_starts[set], explanation.tokens));
  return values;
}

void EntityInText::share_out(GradientExplanation& gradient) const {
  gradient.values.assign(explanation.report.text.units.size(), 0);
  for (std::size_t token = 0; token < gradient.token_values.size(); ++token) {
    gradient.tokens.emplace_back(pipeline_.tokenizer().id_to_token(row.input_ids[token]));
    const std::vector<std::size_t>& units = units_of_token_[token];
    for (const std::size_t unit : units) gradient.values[unit] += gradient.token_values[token] / static_cast<double>(units.size());
    if (units.empty()) gradient.special += gradient.token_values[token];
  }
}

// Tells how far an explanation is.
class EntityProgress {
 public:
  EntityProgress(const EntityExplainOptions& options, const EntityExplanation& explanation, std::size_t methods) : options_(options), explanation_(explanation) {
    now_.total = methods;
  }
  void begin(std::string_view method) {
    now_.part = method;
    say(nullptr);
  }
  void seen(std::size_t texts) {
    now_.texts = texts;
    if (options_.explain.progress) options_.explain.progress(texts);
    say(nullptr);
  }
  void end() {
    ++now_.done;
    say(&explanation_);
  }

 private:
  void say(const EntityExplanation* so_far) {
    now_.so_far = so_far == nullptr ? nullptr : &so_far->report;
    if (options_.progress) options_.progress(now_, so_far);
  }

  const EntityExplainOptions& options_;
  const EntityExplanation& explanation_;
  ReportProgress now_;
};

OcclusionExplanation occlusion_of(const EntityInText& text, const Budget& budget, EntityProgress& progress) {
  if (!text.mask_id) throw Error(ErrorKind::unsupported, "mask: expected a tokenizer with a mask token, found none");
  std::size_t evaluations = 0;
  const Game game{.num_players = text.explanation.report.text.units.size(),
                  .num_outputs = 1,
                  .batch_size = text.batch_size(),
                  .values = [&](const Masks& masks) {
                    evaluations += masks.rows;
                    progress.seen(evaluations);
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
  EntityInText of_text(pipeline, text, entity, options);
  ExplainReport& report = of_text.explanation.report;
  const auto has = [&](std::string_view method) { return std::ranges::find(options.methods, method) != options.methods.end(); };
  report.options = options.explain;
  report.gradient_options = options.gradients;
  report.version = FILBERT_VERSION;
  report.dtype = name(pipeline.model().compute_dtype());
  std::vector<std::string_view> of_gradients;
  for (const std::string_view method : gradient_methods()) {
    if (has(method)) of_gradients.push_back(method);
  }
  EntityProgress progress(options, of_text.explanation, of_gradients.size() + std::size_t{has("occlusion")});
  if (has("occlusion")) {
    progress.begin("occlusion");
    report.occlusion = occlusion_of(of_text, budget, progress);
    progress.end();
  }
  std::unique_ptr<const Model> exact;
  for (const std::string_view method : of_gradients) {
    progress.begin(method);
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
    progress.end();
  }
  report.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  return std::move(of_text.explanation);
}

}  // namespace filbert
