#include "postprocess/answers.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

// What `answer`, a text or a window, says of its scores.
void describe(std::span<const float> logits, std::span<const float> scores, const ClassifyOptions& options, const Config& config,
              auto& answer) {
  const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
  answer.label = config.id2label.at(static_cast<int>(best));
  answer.score = scores[best];
  answer.scores = options.top_k ? top_k(scores, config.id2label, *options.top_k) : label_scores(scores, config.id2label);
  if (options.threshold) answer.labels = labels_from(*options.threshold, scores, config.id2label);
  answer.logits.assign(logits.begin(), logits.end());
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

Classification answer_of_windows(const BatchEncoding& inputs, std::size_t begin, std::size_t end, const Tensor& logits,
                                 const Tensor& scores, const ClassifyOptions& options, const Config& config) {
  Classification answer = answer_of_row(inputs, begin);
  answer.tokens_used = answer.tokens_total;
  std::vector<std::size_t> weights(end - begin);
  for (std::size_t row = begin; row < end; ++row) {
    answer.windows.push_back(window_of_row(inputs, row, weights[row - begin]));
    describe(logits[row], scores[row], options, config, answer.windows.back());
  }
  const Tensor own_logits = rows_of(logits, begin, end);
  const auto combined = [&](Combine how, const Tensor& rows) {
    return combine(how, function_of(options, config), own_logits, rows, weights);
  };
  describe(combined(options.combine == Combine::first ? Combine::first : Combine::mean, own_logits),
           combined(options.combine, rows_of(scores, begin, end)), options, config, answer);
  return answer;
}

}  // namespace

void check_options(const ClassifyOptions& options, const Config& config) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::invalid_argument, message); };
  const FunctionToApply function = function_of(options, config);
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

std::vector<Classification> answers(const BatchEncoding& inputs, const Tensor& logits, const Tensor& scores,
                                    const ClassifyOptions& options, const Config& config) {
  std::vector<Classification> all;
  const std::vector<std::size_t>& texts = inputs.overflow_to_sample_mapping;
  all.reserve(texts.empty() ? inputs.batch_size() : texts.back() + 1);
  for (std::size_t row = 0; row < inputs.batch_size();) {
    const std::size_t begin = row++;
    while (row < texts.size() && texts[row] == texts[begin]) ++row;
    if (row - begin == 1) {
      all.push_back(answer_of_row(inputs, begin));
      describe(logits[begin], scores[begin], options, config, all.back());
    } else {
      all.push_back(answer_of_windows(inputs, begin, row, logits, scores, options, config));
    }
  }
  return all;
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
