// filbert evaluate: how good a model is on a file of texts whose labels are known.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <filbert/config.h>
#include <filbert/entities.h>
#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "base/refuse.h"
#include "cli/evaluate_entities.h"
#include "cli/evaluate_file.h"
#include "cli/evaluate_text.h"
#include "cli/input_file.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "evaluate/evaluation_json.h"

namespace filbert::cli {
namespace {

// Options that only one kind of model has a use for.
constexpr const char* kOfTexts[] = {"--text-pair-column", "--delimiter", "--on-unknown-label", "--label-separator", "--by", "--ordered", "--threshold", "--bins",
                                    "--function-to-apply", "--combine", "--decision"};
constexpr const char* kOfEntities[] = {"--aggregation-strategy", "--tagging-scheme", "--decoding", "--ignore-labels", "--scheme", "--train"};

struct Options {
  EvaluateFileOptions file;
  EvaluateEntitiesOptions entities;         // what only token classifiers have; the rest is that of `file`
  std::string of_windows;                   // an option that only --long windows has a use for
  ReportForm form = ReportForm::automatic;
  std::filesystem::path output;
};

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

template <typename Report>
std::string shown(const Report& report, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(report);
  if (form == ReportForm::text) return text_lines(report, out);
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

template <typename Report>
void write(const std::optional<Report>& report, const Options& options, Session& session) {
  if (!report) return;
  const std::string made = shown(*report, form_of(options.form, options.output), session.out);
  if (options.output.empty()) {
    session.out.write(made);
  } else {
    write_file_atomic(options.output, made);
  }
}

void check_flags(const CLI::App& app, std::span<const char* const> flags, const char* expected, const char* found) {
  for (const char* flag : flags) {
    if (given(app, flag)) refuse(fmt::format("{}: expected {} as the model, found {}", flag, expected, found));
  }
}

void run_on_texts(Options& options, const CLI::App& app, Session& session) {
  check_flags(app, kOfEntities, "a token classifier", "one of texts");
  if (!options.of_windows.empty() && options.file.classify.long_text != LongText::windows) {
    refuse(fmt::format("{}: expected --long windows beside it, found none", options.of_windows));
  }
  TableOptions& table = options.file.gold.table;
  if (!table.label_column) table.label_column = "label";
  write(evaluate_file(options.file, session), options, session);
}

void run_on_entities(Options& options, bool is_built_in, const CLI::App& app, Session& session) {
  check_flags(app, kOfTexts, "one of texts", "a token classifier");
  EvaluateEntitiesOptions& entities = options.entities;
  const EvaluateFileOptions& file = options.file;
  entities.predict.truncates = given(app, "--long") && file.classify.long_text == LongText::truncate;
  if (entities.predict.truncates && given(app, "--stride")) refuse("--stride: expected --long windows beside it, found truncate");
  entities.predict.max_length = file.classify.max_length;
  if (given(app, "--stride")) entities.predict.stride = file.classify.stride;
  entities.predict.ignored = entities.gold.ignored;
  entities.predict.rules = entities.gold.rules;
  entities.gold.file = file.gold.table.file;
  if (given(app, "--text-column")) entities.gold.text_column = file.gold.table.text_column;
  entities.gold.label_column = file.gold.table.label_column;
  entities.gold.label_map = file.gold.label_map;
  entities.gold.max_texts = file.gold.max_texts;
  entities.model = file.model;
  entities.loading = file.loading;
  entities.evaluate = file.evaluate;
  entities.against = file.against;
  entities.against_dtype = file.against_dtype;
  entities.worst = file.worst;
  auto report = evaluate_entities_file(entities, session);
  if (report && is_built_in) report->model = "built-in";
  write(report, options, session);
}

void run(Options& options, const CLI::App& app, Session& session) {
  TableOptions& table = options.file.gold.table;
  table.file = session.arguments.front();
  table.argument = "FILE";
  if (table.file == "-") refuse("FILE: expected the name of a file, since it is read twice, found \"-\"");
  InputFile(table.file, false);  // a wrong name is told before a model is looked for
  check_other_file("--output", options.output, {table.file, options.entities.train.value_or("")});
  ModelChoice& model = options.file.model;
  const bool is_built_in = !model.name && is_conll(table.file) && !table_format_of(table.file);
  if (is_built_in) model.name = default_entities_model();
  if (labels_tokens(Config::from_pretrained(model_directory(model, session)))) {
    run_on_entities(options, is_built_in, app, session);
  } else {
    run_on_texts(options, app, session);
  }
}

void add_table_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  GoldOptions& gold = options->file.gold;
  add_text(app, "--text-column", "NAME", "The column, or field, with the texts; default: text; of words: tokens, or the first column", [&gold](const std::string& name) { gold.table.text_column = name; });
  add_text(app, "--text-pair-column", "NAME", "The column with the second text of a pair", [&gold](const std::string& name) { gold.table.text_pair_column = name; });
  add_text(app, "--label-column", "NAME", "The column with the label that a text should have; default: label; of words: tags, or the last column; of entities: entities",
           [&gold](const std::string& name) { gold.table.label_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [&gold](const std::string& byte) { set_delimiter(byte, gold.table); });
  add_texts(app, "--label-map", "VALUE=LABEL", "What a value of that column, or the type of an entity, means, or a .json file with an object of them; may be given several times",
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

void add_entity_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  PredictOptions& predict = options->entities.predict;
  EntityGoldOptions& gold = options->entities.gold;
  add_choice(app, "--aggregation-strategy", "simple|first|average|max",
             "Of token classifiers: which of a word's tokens say its label; simple: every token has its own; default: first",
             [&predict](const std::string& name) { predict.aggregation_strategy = aggregation_strategy_from_name(name); });
  add_choice(app, "--tagging-scheme", "auto|iob1|iob2|bioes|bilou", "What the letter before a type says in the model's labels; default: auto, by the labels there are",
             [&predict](const std::string& name) { predict.tagging_scheme = tagging_scheme_from_name(name); });
  add_choice(app, "--decoding", "argmax|viterbi", "The best label of each word (the default), or the best labels that may follow one another",
             [&predict](const std::string& name) { predict.decoding = decoding_from_name(name); });
  add_texts(app, "--ignore-labels", "T,...", "Types of entities that are left out, of the file and of the answers; may be given several times", [&gold](const std::string& list) {
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      if (end > begin) gold.ignored.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  });
  add_choice(app, "--scheme", "conlleval|iob1|iob2|ioe1|ioe2|iobes|bilou",
             "Entities of labels that a scheme does not allow do not count, as in seqeval's strict mode; default: conlleval's rules, whatever the scheme",
             [&gold](const std::string& name) {
               gold.rules.reset();
               if (name != "conlleval") gold.rules = span_rules_from_name(name);
             });
  add_text(app, "--train", "FILE", "A file like FILE: entities that stand in it are told from others", [options](const std::string& file) { options->entities.train = file; });
}

void add_measuring_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  EvaluateOptions& evaluate = options->file.evaluate;
  add_flag(app, "--ordered", "The labels have an order, that of their ids, as stars do: how often it is off by one at most", [&evaluate] { evaluate.ordered = true; });
  add_decimal(app, "--threshold", "P",
              "Of models for several labels a text: labels whose score is at least P are the prediction; default: those of the decision, else 0.5", 0, 1,
              [options](float threshold) {
                options->file.evaluate.threshold = double{threshold};
                options->file.has_threshold = true;
              });
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
  add_choice(app, "--long", "truncate|windows", "What becomes of a text that is too long, as in filbert classify; default: truncate, of token classifiers windows",
             [&classify](const std::string& name) { classify.long_text = long_text_from_name(name); });
  add_number(app, "--stride", "Tokens of the text that a window shares with the one before; default: 0, of token classifiers a quarter of a window", {}, [&classify, of_windows](std::size_t stride) {
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
  add_entity_options(app, options);
  add_scoring_options(app, options);
  add_decision_options(app, options->file.decision);
  add_loading_options(app, options->file.loading);
  add_report_form(app, "Lines for people, a JSON object with every number in full, or a page; default: what --output is called, else text",
                  [options](ReportForm form) { options->form = form; });
  add_text(app, "--output", "FILE", "Where it goes; default: standard output", [options](const std::string& file) { options->output = file; });
  return [options, &app](Session& session) { run(*options, app, session); };
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
        "scores can be trusted, and where it is most wrong. Each figure has a bootstrap interval. With a token classifier FILE has words with their labels, in "
        "columns (.conll) or in JSON objects, or texts with their entities, and the figures are of entities.",
    .examples =
        "  filbert evaluate reviews.csv --label-column stars --ordered\n"
        "  filbert evaluate reviews.tsv --by product --output report.html\n"
        "  filbert evaluate tweets.jsonl --label-map pos=positive --label-map n=none\n"
        "  filbert evaluate reviews.csv --against path/to/checkpoint --format json\n"
        "  filbert evaluate reviews.csv --against-dtype int8\n"
        "  filbert evaluate test.conll --model dslim/bert-base-NER --train train.conll\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
