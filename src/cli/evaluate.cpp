// filbert evaluate: how good a model is on a file of texts whose labels are known.
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/evaluate_file.h"
#include "cli/evaluate_text.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "evaluate/evaluation_json.h"

namespace filbert::cli {
namespace {

struct Options {
  EvaluateFileOptions file;
  std::string of_windows;                   // an option that only --long windows has a use for
  ReportForm form = ReportForm::automatic;
  std::filesystem::path output;
};

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::invalid_argument, message); }

// "VALUE=LABEL", or a JSON file with an object of them.
void add_label_map(const std::string& text, std::map<std::string, std::string>& map) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) {
    map[text.substr(0, equals)] = text.substr(equals + 1);
    return;
  }
  if (!text.ends_with(".json")) refuse(fmt::format("--label-map: expected VALUE=LABEL or a .json file, found \"{}\"", text));
  const std::string content = read_file(text);
  try {
    JsonDocument(content, text).root().for_each_field([&](std::string_view value, const JsonValue& label) { map[std::string(value)] = std::string(label.as_string()); });
  } catch (const Error& error) {
    refuse(fmt::format("--label-map: {}", error.what()));
  }
}

std::string shown(const EvaluationReport& report, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(report);
  if (form == ReportForm::text) return text_lines(report, out);
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

void run(Options& options, Session& session) {
  if (!options.of_windows.empty() && options.file.classify.long_text != LongText::windows) {
    refuse(fmt::format("{}: expected --long windows beside it, found none", options.of_windows));
  }
  TableOptions& table = options.file.gold.table;
  table.file = session.arguments.front();
  table.argument = "FILE";
  if (table.file == "-") refuse("FILE: expected the name of a file, since it is read twice, found \"-\"");
  if (!table.label_column) table.label_column = "label";
  const auto report = evaluate_file(options.file, session);
  if (!report) return;
  const std::string made = shown(*report, form_of(options.form, options.output), session.out);
  if (options.output.empty()) {
    session.out.write(made);
  } else {
    write_file_atomic(options.output, made);
  }
}

void add_table_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  GoldOptions& gold = options->file.gold;
  add_text(app, "--text-column", "NAME", "The column, or field, with the texts; default: text", [&gold](const std::string& name) { gold.table.text_column = name; });
  add_text(app, "--text-pair-column", "NAME", "The column with the second text of a pair", [&gold](const std::string& name) { gold.table.text_pair_column = name; });
  add_text(app, "--label-column", "NAME", "The column with the label that a text should have; default: label",
           [&gold](const std::string& name) { gold.table.label_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [&gold](const std::string& byte) { set_delimiter(byte, gold.table); });
  add_texts(app, "--label-map", "VALUE=LABEL", "What a value of that column means, or a .json file with an object of them; may be given several times",
            [&gold](const std::string& text) { add_label_map(text, gold.label_map); });
  add_choice(app, "--on-unknown-label", "error|skip", "What becomes of rows without a label that the model has; default: error",
             [&gold](const std::string& word) { gold.skip_unknown = word == "skip"; });
  add_text(app, "--label-separator", "TEXT", "Between several labels of a text, for models that have them; default: a comma", [&gold](const std::string& text) {
    if (text.empty()) refuse("--label-separator: expected a text, found an empty one");
    gold.label_separator = text;
  });
  add_texts(app, "--by", "NAME", "A column by whose values the figures are shown too; may be given several times", [&gold](const std::string& name) { gold.by.push_back(name); });
  add_number(app, "--max-texts", "Only the first N rows", {.least = 1}, [&gold](std::size_t count) { gold.max_texts = count; });
}

void add_measuring_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  EvaluateOptions& evaluate = options->file.evaluate;
  add_flag(app, "--ordered", "The labels have an order, that of their ids, as stars do: how often it is off by one at most", [&evaluate] { evaluate.ordered = true; });
  add_decimal(app, "--threshold", "P", "Of models for several labels a text: labels whose score is at least P are the prediction; default: 0.5", 0, 1,
              [&evaluate](float threshold) { evaluate.threshold = double{threshold}; });
  add_number(app, "--bins", "Of the reliability diagram and of the calibration error; default: 15", {.least = 1, .most = 1000}, [&evaluate](std::size_t bins) { evaluate.bins = bins; });
  add_number(app, "--bootstrap", "Samples for the intervals; 0: none; default: 1000", {.least = 0, .most = 100'000}, [&evaluate](std::size_t count) { evaluate.bootstrap = count; });
  add_decimal(app, "--confidence", "P", "Of the intervals; default: 0.95", 0.5F, 0.9999F, [&evaluate](float confidence) { evaluate.confidence = std::round(double{confidence} * 1e6) / 1e6; });
  add_number(app, "--seed", "Of the samples: the same gives the same intervals; default: 0", {}, [&evaluate](std::size_t seed) { evaluate.seed = seed; });
  add_number(app, "--worst", "Texts that are shown of those with the highest loss; default: 20", {.least = 0, .most = 10'000},
             [options](std::size_t count) { options->file.worst = count; });
}

void add_scoring_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  ClassifyOptions& classify = options->file.classify;
  const auto of_windows = [options](const char* flag) { options->of_windows = flag; };
  add_choice(app, "--function-to-apply", "softmax|sigmoid|none", "What makes scores of logits; default: as the model says",
             [&classify](const std::string& name) { classify.function_to_apply = function_to_apply_from_name(name); });
  add_number(app, "--max-length", "Tokens of a text, or of a window, special ones included; default: all the model takes", {.least = 1},
             [&classify](std::size_t length) { classify.max_length = length; });
  add_choice(app, "--long", "truncate|windows", "What becomes of a text that is too long, as in filbert classify",
             [&classify](const std::string& name) { classify.long_text = long_text_from_name(name); });
  add_number(app, "--stride", "Tokens of the text that a window shares with the one before; default: 0", {}, [&classify, of_windows](std::size_t stride) {
    classify.stride = stride;
    of_windows("--stride");
  });
  add_choice(app, "--combine", "mean|max|first|logit-mean|vote", "What makes one answer of the windows'; default: mean", [&classify, of_windows](const std::string& name) {
    classify.combine = combine_from_name(name);
    of_windows("--combine");
  });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_table_options(app, options);
  add_model_option(app, options->file.model);
  add_text(app, "--against", "DIR", "A second model, a directory or one of the Hub, on the same texts: differences with intervals, and McNemar's test",
           [options](const std::string& name) {
             options->file.against.emplace();
             options->file.against->name = name;
             options->file.against->hub.local_files_only = options->file.model.hub.local_files_only;
           });
  add_choice(app, "--against-dtype", "f32|bf16|int8|auto", "What the second model computes in; alone: the same model in another dtype",
             [options](const std::string& name) { options->file.against_dtype = compute_dtype_from_name(name); });
  add_measuring_options(app, options);
  add_scoring_options(app, options);
  add_loading_options(app, options->file.loading);
  add_report_form(app, "Lines for people, a JSON object with every number in full, or a page; default: what --output is called, else text",
                  [options](ReportForm form) { options->form = form; });
  add_text(app, "--output", "FILE", "Where it goes; default: standard output", [options](const std::string& file) { options->output = file; });
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command evaluate_command = {
    .name = "evaluate",
    .argument = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "How good a model is on texts whose labels are known",
    .description =
        "Classifies the texts of FILE and holds the answers against the labels beside them: how often the model is right, label by label and slice by slice, whether its "
        "scores can be trusted, and where it is most wrong. Each figure has a bootstrap interval.",
    .examples =
        "  filbert evaluate reviews.csv --label-column stars --ordered\n"
        "  filbert evaluate reviews.tsv --by product --output report.html\n"
        "  filbert evaluate tweets.jsonl --label-map pos=positive --label-map n=none\n"
        "  filbert evaluate reviews.csv --against path/to/checkpoint --format json\n"
        "  filbert evaluate reviews.csv --against-dtype int8\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
