// filbert classify: texts in, labels with probabilities out.
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "cli/answer.h"
#include "cli/classify_file.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/warnings.h"
#include "load/config_family.h"

namespace filbert::cli {
namespace {

struct Options {
  InputOptions input;
  ClassifyFileOptions file;
  const char* of_texts = nullptr;  // an option that has no use beside --input
  ModelChoice model;
  ModelOptions loading;
  DecisionChoice decision;
  ClassifyOptions classify;
  std::string of_windows;  // an option that only --long windows has a use for
  bool json = false;
  bool verbose = false;
};

// The answers to `records`, in their order: texts and rows tokenized elsewhere are a call of the library each.
std::vector<Classification> classify(const TextClassificationPipeline& classifier, std::span<const Record> records,
                                     const ClassifyOptions& options) {
  std::vector<TextInput> texts;
  BatchEncoding rows;
  for (const Record& record : records) {
    if (record.is_tokenized()) {
      if (record.padded_in_front) check_padding_in_front(classifier.config());
      rows.add_row(record.input_ids, record.token_type_ids);
    } else {
      classifier.tokenizer();  // throws if there is none
      texts.push_back({*record.text, record.text_pair});
    }
  }
  auto of_texts = texts.empty() ? std::vector<Classification>{} : classifier(texts, options);
  auto of_rows = rows.batch_size() == 0 ? std::vector<Classification>{} : classifier(rows, options);
  std::vector<Classification> answers;
  auto text = of_texts.begin(), row = of_rows.begin();
  for (const Record& record : records) answers.push_back(std::move(record.is_tokenized() ? *row++ : *text++));
  for (std::size_t at = 0; at < records.size(); ++at) answers[at].invalid_utf8 += records[at].invalid_utf8;
  return answers;
}

void warn(const std::string& where, const Classification& answer, Warnings& warnings) {
  warnings.answer(where, answer);
  const auto is_finite = [](const auto& scored) {
    return std::all_of(scored.logits.begin(), scored.logits.end(), [](float logit) { return std::isfinite(logit); });
  };
  if (!is_finite(answer) || !std::all_of(answer.windows.begin(), answer.windows.end(), is_finite)) warnings.not_finite(where);
}

void run_file(const Options& options, Session& session) {
  if (options.of_texts != nullptr) throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected none beside --input, found one", options.of_texts));
  if (options.input.text_pair) throw Error(ErrorKind::invalid_argument, "--text-pair: expected --text-pair-column beside --input, found a text");
  ClassifyFileOptions file = options.file;
  if (options.input.format) file.table.format = table_format_from_name("--input-format", *options.input.format);
  classify_file(file, options.classify, options.model, options.loading, options.decision, options.verbose, session);
}

void run(const Options& options, Session& session) {
  if (!options.of_windows.empty() && options.classify.long_text != LongText::windows) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected --long windows beside it, found none", options.of_windows));
  }
  if (!options.file.table.file.empty()) return run_file(options, session);
  check_no_file(options.file);
  const auto classifier = pipeline("text-classification", model_directory(options.model, session), options.loading, options.decision);
  if (!options.input.jsonl) classifier.tokenizer();  // throws if there is none: only jsonl can bring rows without texts
  if (classifier.has_tokenizer()) classifier.tokenize({}, options.classify);  // a bad option is no text's fault
  if (options.verbose) {
    session.messages.note(running(classifier.model(), classifier.max_length(), options.loading) + (classifier.decision() ? ", with a decision" : ""));
  }
  Input input(session, options.input);
  Warnings warnings(session.messages);
  JsonWriter json;
  bool first = true;
  answer_all(input, session.out, warnings, [&](std::span<const Record> records) {
    const std::vector<Classification> answers = classify(classifier, records, options.classify);
    for (std::size_t at = 0; at < records.size(); ++at) {
      if (options.json) {
        write_json(records[at], answers[at], json);
        session.out.write(json.take_line());
      } else {
        if (!std::exchange(first, false)) session.out.write("\n");
        session.out.write(text_lines(records[at], answers[at], options.classify, session.out));
      }
      warn(input.where(records[at]), answers[at], warnings);
    }
  });
}

void add_window_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  const auto of_windows = [options](const char* flag) { options->of_windows = flag; };
  add_choice(app, "--long", "truncate|windows",
             "What becomes of a text that is too long: it is cut off (the default), or cut into windows that are all scored",
             [options](const std::string& name) { options->classify.long_text = long_text_from_name(name); });
  add_number(app, "--stride", "Tokens of the text that a window shares with the one before; default: 0", {},
             [options, of_windows](std::size_t stride) {
               options->classify.stride = stride;
               of_windows("--stride");
             });
  add_choice(app, "--combine", "mean|max|first|logit-mean|vote", "What makes one answer of the windows'; default: mean",
             [options, of_windows](const std::string& name) {
               options->classify.combine = combine_from_name(name);
               of_windows("--combine");
             });
  add_choice(app, "--offset-unit", "code_points|bytes|utf16", "What the places of windows count; default: code_points",
             [options, of_windows](const std::string& name) {
               options->classify.offset_unit = offset_unit_from_name(name);
               of_windows("--offset-unit");
             });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_model_option(app, options->model);
  add_input_options(app, options->input);
  add_classify_file_options(app, options->file);
  add_format_option(app, options->json, "Of the answers: a table a text (the default), or a JSON object a line");
  add_number(app, "--top-k", "Only the N best labels, best first", {.least = 1},
             [options](std::size_t k) { options->classify.top_k = k, options->of_texts = "--top-k"; });
  add_choice(
      app, "--function-to-apply", "softmax|sigmoid|none", "What makes scores of logits; default: as the model says",
      [options](const std::string& name) { options->classify.function_to_apply = function_to_apply_from_name(name); });
  add_decimal(app, "--threshold", "P", "Labels whose score is at least P are the prediction; for models of several labels a text", 0, 1,
              [options](float threshold) { options->classify.threshold = threshold; });
  add_number(app, "--max-length", "Tokens of a text, or of a window, special ones included; default: all the model takes",
             {.least = 1}, [options](std::size_t length) { options->classify.max_length = length; });
  add_choice(app, "--truncation", kTruncationChoices,
             "What gives way in a text or pair that is too long; default: longest_first",
             [options](const std::string& name) { options->classify.truncation = truncation_from_name(name); });
  add_window_options(app, options);
  add_decision_options(app, options->decision);
  add_loading_options(app, options->loading);
  add_flag(app, "--verbose", "Says on standard error what runs: dtype, kernels, threads", [options] { options->verbose = true; });
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command classify_command = {
    .name = "classify",
    .argument = "TEXT",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .summary = "Labels with probabilities for texts",
    .description =
        "Classifies each TEXT or, without one, each line of standard input, in its order. "
        "A text too long for the model is truncated, and a warning says so; with --long windows all of it counts. With --input a whole file, "
        "whose columns come out with those of the answers behind them.",
    .examples =
        "  filbert classify \"I really love this book\"\n"
        "  filbert classify --model path/to/checkpoint --top-k 2 -- \"-1 for this one\"\n"
        "  filbert classify --format json < reviews.txt | jq -r .label | sort | uniq -c\n"
        "  filbert classify --long windows --stride 64 --combine max < documents.txt\n"
        "  filbert classify --input reviews.csv --text-column body --output stars.csv.gz\n"
        "  echo '{\"id\": 7, \"text\": \"It rained.\", \"text_pair\": \"It was wet.\"}' |\n"
        "    filbert classify --input-format jsonl --format json\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
