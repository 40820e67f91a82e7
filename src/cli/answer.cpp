#include "cli/answer.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "postprocess/answers.h"

namespace filbert::cli {
namespace {

// The fields that a text and a window have in common.
void write_scores(const auto& answer, JsonWriter& json) {
  json.field("label", answer.label);
  json.field("score", answer.score);
  if (answer.has_labels) {
    json.key("labels");
    json.array(answer.labels);
  }
  filbert::write_scores(answer.scores, json);
  json.key("logits");
  json.array(answer.logits);
  if (answer.expected) json.field("expected", *answer.expected);
  if (answer.rejected) json.field("rejected", *answer.rejected);
}

void write_windows(const Record& record, const Classification& answer, JsonWriter& json) {
  json.key("windows");
  json.begin_array();
  for (const Window& window : answer.windows) {
    json.begin_object();
    if (record.text_pair) json.field("sequence_id", window.sequence_id);
    json.field("begin", window.offset.begin);
    json.field("end", window.offset.end);
    json.field("tokens_used", window.tokens_used);
    write_scores(window, json);
    json.end_object();
  }
  json.end_array();
}

std::string labels_line(const Classification& answer, std::optional<float> threshold, const Output& out) {
  if (answer.labels.empty()) return threshold ? fmt::format("no label reaches {}\n", *threshold) : "no label reaches its threshold\n";
  std::string line = "labels:";
  for (const std::string& label : answer.labels) line += (label == answer.labels.front() ? " " : ", ") + out.foreign(label);
  return line + '\n';
}

// A line a window: its place, its best label with the score.
std::string window_lines(const Classification& answer, const ClassifyOptions& options, const Output& out) {
  const bool of_pair = answer.windows.front().sequence_id == 1;
  std::string lines =
      fmt::format("windows{}: {}, combined by {}\n", of_pair ? " of text_pair" : "", answer.windows.size(), name(options.combine));
  std::size_t digits = 1;
  for (const Window& window : answer.windows) digits = std::max(digits, std::to_string(window.offset.end).size());
  for (const Window& window : answer.windows) {
    lines += fmt::format("  {:>{}}-{:<{}}  {:<7}:\t{:.3f}\n", window.offset.begin, digits, window.offset.end, digits,
                         out.foreign(window.label), window.score);
  }
  return lines;
}

}  // namespace

void write_json(const Record& record, const Classification& answer, JsonWriter& json) {
  json.begin_object();
  if (!record.id.empty()) {
    json.key("id");
    json.raw(record.id);
  }
  if (record.text) json.field("text", *record.text);
  if (record.text_pair) json.field("text_pair", *record.text_pair);
  if (!record.text) {
    json.key("input_ids");
    json.array(record.input_ids);
  }
  write_scores(answer, json);
  json.field("tokens_total", answer.tokens_total);
  json.field("tokens_used", answer.tokens_used);
  json.field("truncated", answer.truncated);
  if (answer.invalid_utf8 > 0) json.field("invalid_utf8", answer.invalid_utf8);
  if (!answer.windows.empty()) write_windows(record, answer, json);
  json.end_object();
}

std::string text_lines(const Record& record, const Classification& answer, const ClassifyOptions& options, const Output& out) {
  const auto shown = [&](std::string_view text) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    return out.foreign(text);
  };
  std::string lines;
  if (record.text) {
    lines += fmt::format("text: {}\n", shown(*record.text));
  } else {
    lines += fmt::format("input_ids: {}\n", fmt::join(record.input_ids, " "));
  }
  if (record.text_pair) lines += fmt::format("text_pair: {}\n", shown(*record.text_pair));
  const auto is_predicted = [&](const LabelScore& score) {
    if (!answer.has_labels) return score.label == answer.label && !answer.rejected.value_or(false);
    return std::find(answer.labels.begin(), answer.labels.end(), score.label) != answer.labels.end();
  };
  for (const LabelScore& score : answer.scores) {
    const std::string line = fmt::format("{:<7}:\t{:.3f}", out.foreign(score.label), score.score);
    lines += (is_predicted(score) ? out.bold(line) : line) + '\n';
  }
  if (answer.has_labels) lines += labels_line(answer, options.threshold, out);
  if (answer.expected) lines += fmt::format("expected: {:.3f}\n", *answer.expected);
  if (answer.rejected.value_or(false)) lines += fmt::format("rejected: {:.3f} is too low for {}\n", answer.score, out.foreign(answer.label));
  if (!answer.windows.empty()) lines += window_lines(answer, options, out);
  return lines;
}

}  // namespace filbert::cli
