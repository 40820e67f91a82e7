#include "postprocess/answers.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <filbert/error.h>

#include "postprocess/decision.h"

namespace filbert {
namespace {

// What makes answers of scores.
struct AnswerRules {
  const ClassifyOptions& options;
  const Config& config;
  const Decision* decision;  // in use, or null

  const std::map<int, std::string>& id2label() const { return decision ? decision->id2label : config.id2label; }
};

// What `answer`, a text or a window, says of its scores, which are those of the labels that answers show.
void describe(std::span<const float> logits, std::span<const float> scores, std::optional<float> expected, const AnswerRules& rules, auto& answer) {
  const ClassifyOptions& options = rules.options;
  const std::map<int, std::string>& id2label = rules.id2label();
  const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
  answer.label = id2label.at(static_cast<int>(best));
  answer.score = scores[best];
  answer.scores = options.top_k ? top_k(scores, id2label, *options.top_k) : label_scores(scores, id2label);
  answer.logits.assign(logits.begin(), logits.end());
  answer.has_labels = options.threshold.has_value();
  if (options.threshold) answer.labels = labels_from(*options.threshold, scores, id2label);
  if (!rules.decision) return;
  answer.expected = expected;
  if (rules.decision->may_reject()) answer.rejected = is_rejected(*rules.decision, best, scores[best]);
  if (!answer.has_labels && rules.decision->function == FunctionToApply::sigmoid && !rules.decision->thresholds.empty()) {
    answer.has_labels = true;
    answer.labels = labels_by(*rules.decision, scores);
  }
}

Classification answer_of_row(const BatchEncoding& inputs, std::size_t row) {
  Classification answer;
  answer.tokens_total = inputs.rows[row].tokens_total;
  answer.tokens_used = inputs.row_length(row);
  answer.truncated = inputs.rows[row].truncated;
  answer.invalid_utf8 = inputs.rows[row].invalid_utf8;
  return answer;
}

// A row that is a piece of a text: where that is, and how many of its tokens are the text's, which is what it weighs.
Window window_of_row(const BatchEncoding& inputs, std::size_t row, std::size_t& weight) {
  Window window;
  window.sequence_id = inputs.rows[row].sequence_id;
  window.tokens_used = inputs.row_length(row);
  weight = 0;
  bool found = false;
  for (std::size_t token = inputs.row_starts[row]; token < inputs.row_starts[row + 1]; ++token) {
    if (inputs.sequence_ids[token] != window.sequence_id) continue;
    ++weight;
    const Offset& offset = inputs.offset_mapping[token];
    if (offset.begin == offset.end) continue;  // a token that stands for nothing of the text is nowhere in it
    window.offset.begin = found ? std::min(window.offset.begin, offset.begin) : offset.begin;
    window.offset.end = std::max(window.offset.end, offset.end);
    found = true;
  }
  weight = std::max(weight, std::size_t{1});  // rows of elsewhere may have none
  return window;
}

Tensor rows_of(const Tensor& all, std::size_t begin, std::size_t end) {
  Tensor rows({end - begin, all.row_size()});
  std::copy(all[begin].data(), all[begin].data() + rows.data.size(), rows.data.begin());
  return rows;
}

// What the windows expect, weighted by their tokens.
std::optional<float> combined_expectation(const AnswerRules& rules, const Tensor& scores, std::span<const std::size_t> weights) {
  if (!rules.decision || rules.decision->expected_values.empty()) return std::nullopt;
  double sum = 0, total = 0;
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    const auto weight = static_cast<double>(weights[row]);
    sum += weight * double{*expected_value(*rules.decision, scores[row])};
    total += weight;
    if (rules.options.combine == Combine::first) break;
  }
  return static_cast<float>(sum / total);
}

Tensor shown(const AnswerRules& rules, const Tensor& scores) { return rules.decision ? merged(*rules.decision, scores) : scores; }

std::optional<float> expectation(const AnswerRules& rules, std::span<const float> scores) {
  return rules.decision ? expected_value(*rules.decision, scores) : std::nullopt;
}

// `logits` and `scores` are of the model's labels. What windows show is combined, label by label, except for logit_mean.
void describe_windows(const Tensor& logits, const Tensor& scores, std::span<const std::size_t> weights, const AnswerRules& rules, Classification& answer) {
  const FunctionToApply function = function_of(rules.options, rules.config);
  const Combine how = rules.options.combine;
  Tensor mean({1, logits.row_size()});
  mean.data = combine(how == Combine::first ? Combine::first : Combine::mean, function, logits, logits, weights);
  if (how == Combine::logit_mean) {
    const Tensor of_mean = rules.decision ? apply(function, calibrated(*rules.decision, mean)) : apply(function, mean);
    describe(mean.data, shown(rules, of_mean)[0], expectation(rules, of_mean[0]), rules, answer);
  } else {
    describe(mean.data, combine(how, function, logits, shown(rules, scores), weights), combined_expectation(rules, scores, weights), rules, answer);
  }
}

Classification answer_of_windows(const BatchEncoding& inputs, std::size_t begin, std::size_t end, const Tensor& logits, const Tensor& scores,
                                 const AnswerRules& rules) {
  Classification answer = answer_of_row(inputs, begin);
  answer.tokens_used = answer.tokens_total;
  std::vector<std::size_t> weights(end - begin);
  const Tensor own_scores = rows_of(scores, begin, end), of_labels = shown(rules, own_scores);
  for (std::size_t row = begin; row < end; ++row) {
    answer.windows.push_back(window_of_row(inputs, row, weights[row - begin]));
    describe(logits[row], of_labels[row - begin], expectation(rules, scores[row]), rules, answer.windows.back());
  }
  describe_windows(rows_of(logits, begin, end), own_scores, weights, rules, answer);
  return answer;
}

}  // namespace

void check_options(const ClassifyOptions& options, const Config& config) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::invalid_argument, message); };
  const FunctionToApply function = function_of(options, config);
  if (options.decision) {
    const std::vector<std::string>& labels = options.decision->model_labels;
    const auto same = [](const std::string& label, const auto& of_model) { return label == of_model.second; };
    if (!std::equal(labels.begin(), labels.end(), config.id2label.begin(), config.id2label.end(), same)) {
      refuse(fmt::format("decision: expected one of this model's {} labels, found one of others", config.num_labels()));
    }
  }
  if (options.threshold && !(*options.threshold >= 0 && *options.threshold <= 1)) {
    refuse(fmt::format("threshold: expected a number from 0 to 1, found {}", *options.threshold));
  }
  if (options.threshold && function != FunctionToApply::sigmoid) {
    refuse(fmt::format("threshold: expected the scores of a sigmoid, each label's for itself, found function_to_apply {}", name(function)));
  }
  if (options.long_text == LongText::truncate) return;
  if (options.truncation == Truncation::do_not_truncate) {
    refuse("truncation: expected longest_first, only_first or only_second, which say what windows are cut of, found do_not_truncate");
  }
  if (options.combine == Combine::vote && config.num_labels() < 2) {
    refuse("combine: vote expects a model with several labels, found one, which every window would vote for");
  }
}

void check_rows(const BatchEncoding& inputs) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::invalid_argument, message); };
  if (inputs.rows.size() + 1 != inputs.row_starts.size()) {
    refuse(fmt::format("rows: expected one less than the {} of row_starts, found {}; add_row() fills both", inputs.row_starts.size(),
                       inputs.rows.size()));
  }
  const std::vector<std::size_t>& texts = inputs.overflow_to_sample_mapping;
  if (texts.empty()) return;
  bool rises = texts.size() == inputs.rows.size() && texts.front() == 0;
  for (std::size_t row = 1; rises && row < texts.size(); ++row) rises = texts[row] - texts[row - 1] <= 1;
  if (!rises) {
    refuse(fmt::format("overflow_to_sample_mapping: expected {} numbers that rise from 0 in steps of 0 or 1", inputs.rows.size()));
  }
  const std::size_t tokens = inputs.input_ids.size();
  if (texts.back() + 1 < texts.size() && (inputs.offset_mapping.size() != tokens || inputs.sequence_ids.size() != tokens)) {
    refuse("offset_mapping: expected of every token of windows, found none; return_offsets_mapping asks for it");
  }
}

FunctionToApply function_of(const ClassifyOptions& options, const Config& config) {
  return options.function_to_apply.value_or(default_function_to_apply(config));
}

LongText long_text_from_name(std::string_view name) {
  constexpr std::array<std::string_view, 2> kNames = {"truncate", "windows"};
  const auto found = std::ranges::find(kNames, name);
  if (found != kNames.end()) return static_cast<LongText>(found - kNames.begin());
  throw Error(ErrorKind::invalid_argument, fmt::format("long_text: expected truncate or windows, found \"{}\"", name));
}

Tensor scores_of(const Tensor& logits, const ClassifyOptions& options, const Config& config, const Decision* own) {
  const Decision* const decision = decision_in_use(options, own);
  return apply(function_of(options, config), decision ? calibrated(*decision, logits) : logits);
}

std::vector<Classification> answers(const BatchEncoding& inputs, const Tensor& logits, const Tensor& scores, const ClassifyOptions& options,
                                    const Config& config, const Decision* own) {
  const AnswerRules rules{options, config, decision_in_use(options, own)};
  const Tensor merged_scores = rules.decision ? merged(*rules.decision, scores) : Tensor();
  const Tensor& of_labels = rules.decision ? merged_scores : scores;
  std::vector<Classification> all;
  const std::vector<std::size_t>& texts = inputs.overflow_to_sample_mapping;
  all.reserve(texts.empty() ? inputs.batch_size() : texts.back() + 1);
  for (std::size_t row = 0; row < inputs.batch_size();) {
    const std::size_t begin = row++;
    while (row < texts.size() && texts[row] == texts[begin]) ++row;
    if (row - begin == 1) {
      all.push_back(answer_of_row(inputs, begin));
      describe(logits[begin], of_labels[begin], expectation(rules, scores[begin]), rules, all.back());
    } else {
      all.push_back(answer_of_windows(inputs, begin, row, logits, scores, rules));
    }
  }
  return all;
}

std::vector<std::string> labels_of(const std::map<int, std::string>& id2label) {
  std::vector<std::string> labels;
  for (const auto& [id, label] : id2label) labels.push_back(label);
  return labels;
}

void write_scores(std::span<const LabelScore> scores, JsonWriter& json) {
  json.key("scores");
  json.begin_array();
  for (const LabelScore& score : scores) {
    json.begin_object();
    json.field("label", score.label);
    json.field("score", score.score);
    json.end_object();
  }
  json.end_array();
}

}  // namespace filbert
