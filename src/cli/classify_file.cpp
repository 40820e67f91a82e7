#include "cli/classify_file.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "base/sha256.h"
#include "cli/options.h"
#include "postprocess/answers.h"

namespace filbert::cli {
namespace {

// That of the pipeline, unless the options of the call turn it off.
const Decision* decision_in_use(const TextClassificationPipeline& classifier, const ClassifyOptions& options) {
  const Decision* decision = classifier.decision();
  return decision != nullptr && &classifier.id2label(options) == &decision->id2label ? decision : nullptr;
}

RunSettings settings_of(const ClassifyFileOptions& file, const ClassifyOptions& classify, const TextClassificationPipeline& classifier) {
  const auto number = [](const auto& value) { return value ? fmt::format("{}", *value) : std::string("default"); };
  const Decision* decision = decision_in_use(classifier, classify);
  return {{"command", "classify"},
          {"all_scores", file.all_scores ? "yes" : "no"},
          {"labels", fmt::format("{}", fmt::join(labels_of(classifier.id2label(classify)), ", "))},
          {"decision", decision ? sha256_of(decision_json(*decision)) : std::string("none")},
          {"dtype", std::string(name(classifier.model().compute_dtype()))},
          {"kernels", classifier.model().kernels()},
          {"function_to_apply", classify.function_to_apply ? std::string(name(*classify.function_to_apply)) : std::string("default")},
          {"threshold", number(classify.threshold)},
          {"max_length", number(classify.max_length)},
          {"truncation", std::to_string(static_cast<int>(classify.truncation))},
          {"windows", classify.long_text == LongText::windows ? fmt::format("{} {}", name(classify.combine), classify.stride) : std::string("none")}};
}

std::vector<AnswerColumn> answer_columns(const ClassifyFileOptions& file, const ClassifyOptions& classify, const TextClassificationPipeline& classifier) {
  const std::vector<std::string> labels = labels_of(classifier.id2label(classify));
  const Decision* decision = decision_in_use(classifier, classify);
  const bool has_labels = classify.threshold || (decision != nullptr && decision->function == FunctionToApply::sigmoid && !decision->thresholds.empty());
  std::vector<AnswerColumn> columns;
  columns.push_back({"label", [labels](const TextAnswer& answer, JsonWriter& json) { json.value(labels[answer.label]); },
                     [labels](const TextAnswer& answer) { return labels[answer.label]; }});
  columns.push_back({"score", [](const TextAnswer& answer, JsonWriter& json) { json.value(answer.scores[answer.label]); }});
  if (has_labels) {
    columns.push_back({"labels", [labels](const TextAnswer& answer, JsonWriter& json) {
                         json.begin_array();
                         for (const std::size_t label : answer.labels) json.value(labels[label]);
                         json.end_array();
                       }});
  }
  for (std::size_t label = 0; file.all_scores && label < labels.size(); ++label) {
    columns.push_back({"score_" + labels[label], [label](const TextAnswer& answer, JsonWriter& json) { json.value(answer.scores[label]); }});
  }
  if (decision != nullptr && !decision->expected_values.empty()) {
    columns.push_back({"expected", [](const TextAnswer& answer, JsonWriter& json) { answer.expected ? json.value(*answer.expected) : json.null(); }});
  }
  if (decision != nullptr && decision->may_reject()) {
    columns.push_back({"rejected", [](const TextAnswer& answer, JsonWriter& json) { json.value(answer.rejected.value_or(false)); }});
  }
  add_length_columns(columns);
  return columns;
}

}  // namespace

void add_classify_file_options(CLI::App& app, ClassifyFileOptions& options) {
  add_text_file_options(app, options, "the label");
  add_text(app, "--text-pair-column", "NAME", "Of the file: the column with the second text of a pair", [&](const std::string& name) {
    options.of_file = "--text-pair-column";
    options.table.text_pair_column = name;
  });
  add_flag(app, "--all-scores", "Adds a column for every label's score", [&] { options.of_file = "--all-scores", options.all_scores = true; });
}

void classify_file(const ClassifyFileOptions& options, const ClassifyOptions& classify, const ModelChoice& model, const ModelOptions& loading,
                   const DecisionChoice& choice, bool verbose, Session& session) {
  run_text_file(options, model, verbose, session, [&](const std::filesystem::path& directory) {
    const auto classifier = std::make_shared<const TextClassificationPipeline>(pipeline("text-classification", directory, loading, choice));
    classifier->tokenize({}, classify);  // a bad option is no text's fault
    FileWork work{.doing = "classifying", .settings = settings_of(options, classify, *classifier), .texts = {},
                  .columns = answer_columns(options, classify, *classifier), .counted = labels_of(classifier->id2label(classify)), .count = {}};
    work.texts.tokenize = [classifier, &classify](std::span<const TextInput> texts) { return classifier->tokenize(texts, classify); };
    work.texts.compute = [classifier, &classify](const BatchEncoding& tokens, std::span<const TextInput>) {
      std::vector<TextAnswer> answers;
      for (const Classification& answer : (*classifier)(tokens, classify)) answers.push_back(TextAnswer::of(answer));
      return answers;
    };
    work.count = [](const TextAnswer& answer, std::span<std::uint64_t> counts) { ++counts[answer.label]; };
    return work;
  });
}

}  // namespace filbert::cli
