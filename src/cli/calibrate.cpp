// filbert calibrate: from a file of labelled texts to the filbert_decision.json beside a model.
#include <charconv>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/calibrate.h>
#include <filbert/error.h>
#include <filbert/pipeline.h>
#include <filbert/version.h>

#include "base/json_writer.h"
#include "base/refuse.h"
#include "base/sha256.h"
#include "cli/calibrate_labels.h"
#include "cli/calibrate_text.h"
#include "cli/command.h"
#include "cli/explain_bar.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "cli/table_input.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTextsAtOnce = 1024;

struct Options {
  TableOptions table;
  ModelChoice model;
  ModelOptions loading;
  ClassifyOptions classify;
  LabelOptions labels;
  CalibrateOptions calibrate;
  std::string goal;    // the option that set it
  std::string parts;   // the option that says how rows are split
  std::optional<std::filesystem::path> output;
  std::size_t max_texts = static_cast<std::size_t>(-1);
  bool json = false;
};

struct Hashes {
  std::string weights, input;
};

// What was left out, or not wholly seen.
struct Counts {
  std::size_t unlabelled = 0, truncated = 0;
};

// Those of `texts` that have a label, through the model.
void add_rows(const TextClassificationPipeline& classifier, const Options& options, const Decision& plain, std::vector<TableRow>& rows,
              LabelledLogits& all, Counts& counts) {
  std::vector<TextInput> texts;
  for (const TableRow& row : rows) {
    const std::string where = fmt::format("{}: row {}", options.table.file.string(), row.number);
    if (!row.label && plain.function == FunctionToApply::softmax) {
      ++counts.unlabelled;
      continue;
    }
    const std::vector<std::uint8_t> truth = truth_of(row.label.value_or(""), options.labels, plain, where);
    if (plain.function == FunctionToApply::softmax && std::count(truth.begin(), truth.end(), 1) == 0) {  // --map says so
      ++counts.unlabelled;
      continue;
    }
    all.is_true.insert(all.is_true.end(), truth.begin(), truth.end());
    texts.push_back({row.text, row.text_pair ? std::optional<std::string_view>(*row.text_pair) : std::nullopt});
  }
  if (texts.empty()) return;
  for (const Classification& answer : classifier(texts, options.classify)) {
    all.logits.data.insert(all.logits.data.end(), answer.logits.begin(), answer.logits.end());
    counts.truncated += answer.truncated;
  }
}

LabelledLogits read_rows(const TextClassificationPipeline& classifier, const Options& options, const Decision& plain, TableInput& input, Counts& counts) {
  LabelledLogits all;
  ExplainBar bar("classifying");
  std::size_t done = 0;
  for (bool at_end = false; !at_end && done < options.max_texts;) {
    std::vector<TableRow> rows;
    TableRow row;
    while (rows.size() < std::min(kTextsAtOnce, options.max_texts - done) && !(at_end = !input.next(row))) rows.push_back(std::move(row));
    add_rows(classifier, options, plain, rows, all, counts);
    done += rows.size();
    bar(input.share_read(), done, true);
  }
  const std::size_t labels = plain.model_labels.size();
  all.logits.shape = {all.logits.data.size() / labels, labels};
  return all;
}

// What the file says of its making.
std::string measured(const CalibrateResult& result, const Options& options, const Hashes& hashes, const TextClassificationPipeline& classifier) {
  JsonWriter json;
  json.begin_object();
  json.field("filbert", FILBERT_VERSION);
  json.field("input_sha256", hashes.input);
  json.field("dtype", name(classifier.model().compute_dtype()));
  json.field("rows", result.rows);
  json.field("seed", options.calibrate.seed);
  if (options.calibrate.holdout > 0) {
    json.field("holdout", options.calibrate.holdout);
  } else {
    json.field("folds", options.calibrate.folds);
  }
  write_figures(result, json);
  json.end_object();
  std::string line = json.take_line();
  line.pop_back();
  return line;
}

void show(const CalibrateResult& result, const std::filesystem::path& output, const Options& options, Session& session) {
  if (!options.json) {
    session.out.write(text_lines(result, session.out));
    session.out.write(fmt::format("\nwritten: {}\n", session.out.foreign(output.string())));
    return;
  }
  std::string decision = decision_json(result.decision);
  decision.pop_back();
  JsonWriter json;
  json.begin_object();
  json.field("output", output.string());
  json.field("rows", result.rows);
  write_figures(result, json);
  json.key("notes");
  json.array(result.notes);
  json.key("decision");
  json.raw(decision);
  json.end_object();
  session.out.write(json.take_line());
}

void run(const Options& given, Session& session) {
  Options options = given;
  options.table.file = session.arguments.front();
  options.table.argument = "FILE";
  if (!options.table.label_column) options.table.label_column = "label";
  TableInput input(options.table);  // a wrong name is told before a model is loaded
  check_other_file("--output", options.output.value_or(""), {options.table.file});
  const std::filesystem::path directory = model_directory(options.model, session);
  std::future<Hashes> hashing = std::async(std::launch::async, [directory, file = options.table.file] {
    return Hashes{weights_sha256(directory), sha256_of_file(file)};
  });
  const auto classifier = pipeline("text-classification", directory, options.loading, DecisionChoice{.use = false});
  classifier.tokenizer();  // throws if there is none
  classifier.tokenize({}, options.classify);
  Decision plain = plain_decision(classifier.config(), "");
  set_labels(options.labels, plain);
  Counts counts;
  const LabelledLogits rows = read_rows(classifier, options, plain, input, counts);
  if (rows.logits.data.empty()) refuse(fmt::format("{}: expected rows with a label, found none", options.table.file.string()));
  CalibrateResult result = calibrate(rows, plain, options.calibrate);
  const Hashes hashes = hashing.get();
  result.decision.weights_sha256 = hashes.weights;
  result.decision.measured = measured(result, options, hashes, classifier);
  const std::filesystem::path output = options.output.value_or(directory / kDecisionFile);
  write_decision(result.decision, output);
  if (counts.unlabelled != 0) session.messages.warning(fmt::format("{} rows without a label were left out", counts.unlabelled));
  if (counts.truncated != 0) session.messages.warning(fmt::format("{} texts were truncated, as classify truncates them", counts.truncated));
  for (const std::string& note : result.notes) session.messages.warning(note);
  show(result, output, options, session);
}

// A share, kept as it is written: as a float 0.8 is more than four of five.
void add_share(CLI::App& app, const std::string& flag, const std::string& description, std::function<void(double)> set) {
  add_text(app, flag, "P", description, [flag, set = std::move(set)](const std::string& text) {
    double share = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
    if (error != std::errc{} || end != text.data() + text.size() || !(share >= 0 && share <= 1)) {
      refuse(fmt::format("{}: expected a number from 0 to 1, found \"{}\"", flag, text));
    }
    set(share);
  });
}

void set_goal(Options& options, const std::string& flag, ThresholdGoal goal, double wanted) {
  if (!options.goal.empty() && options.goal != flag) refuse(fmt::format("{}: expected one goal of thresholds, found {} beside it", flag, options.goal));
  options.goal = flag;
  options.calibrate.goal = goal;
  options.calibrate.wanted = wanted;
}

void add_goals(CLI::App& app, Options& options) {
  add_choice(app, "--method", "temperature|vector|none",
             "What makes scores say how sure the model is: one number for all labels (the default), a factor and a summand for each, or nothing",
             [&](const std::string& name) { options.calibrate.method = calibration_method_from_name(name); });
  add_share(app, "--precision", "A threshold for each label, so that this share of its answers is right",
            [&](double share) { set_goal(options, "--precision", ThresholdGoal::precision, share); });
  add_share(app, "--recall", "The highest threshold for each label that finds this share of its texts",
            [&](double share) { set_goal(options, "--recall", ThresholdGoal::recall, share); });
  add_flag(app, "--best-f1", "The threshold for each label that gives it the highest F1", [&] { set_goal(options, "--best-f1", ThresholdGoal::f1, 0); });
  add_share(app, "--reject-below", "Answers whose score is below P are rejected: better none than this one",
            [&](double share) { options.calibrate.reject_below = static_cast<float>(share); });
  add_share(app, "--accuracy", "As many answers are rejected as it takes for this share of the others to be right",
            [&](double share) { options.calibrate.accuracy = share; });
}

void add_labels(CLI::App& app, LabelOptions& labels) {
  add_texts(app, "--merge", "NEW=LABELS", "Several labels become one, their scores are summed: \"--merge bad=1 star,2 stars\"; may be given several times",
            [&](const std::string& text) { labels.merges.push_back(sides("--merge", text)); });
  add_texts(app, "--rename", "LABEL=NEW", "A label gets another name; may be given several times",
            [&](const std::string& text) { labels.renames.push_back(sides("--rename", text)); });
  add_flag(app, "--expected", "Labels are ordered, worth the number in each: answers have the expected one, 4.2 stars say", [&] { labels.expected = true; });
  add_text(app, "--expected-values", "LIST", "The same with values of your own, one for each label of the model with commas between",
           [&](const std::string& list) { labels.expected_values = list; });
  add_texts(app, "--map", "VALUE=LABEL", "What the label column calls a label of the model; nothing behind the =: no label; may be given several times",
            [&](const std::string& text) { labels.meanings.insert(sides("--map", text)); });
  add_text(app, "--label-separator", "TEXT", "Between the labels of a row, for models of several labels a text; default: |",
           [&](const std::string& text) { labels.separator = text; });
}

void add_table(CLI::App& app, Options& options) {
  TableOptions& table = options.table;
  add_text(app, "--text-column", "NAME", "The column with the texts; default: text", [&](const std::string& name) { table.text_column = name; });
  add_text(app, "--text-pair-column", "NAME", "The column with the second text of a pair", [&](const std::string& name) { table.text_pair_column = name; });
  add_text(app, "--label-column", "NAME", "The column with the label that a text should have; default: label", [&](const std::string& name) { table.label_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [&](const std::string& byte) { set_delimiter(byte, table); });
  add_number(app, "--max-texts", "Only the first N texts", {.least = 1}, [&](std::size_t count) { options.max_texts = count; });
}

void add_measuring(CLI::App& app, Options& options) {
  const auto once = [&options](const char* flag) {
    if (!options.parts.empty() && options.parts != flag) refuse(fmt::format("{}: expected none beside {}, found it", flag, options.parts));
    options.parts = flag;
  };
  add_number(app, "--folds", "The figures: parts of the file, each judged by what the others gave; default: 5", {.least = 2, .most = 1000},
             [&options, once](std::size_t count) { once("--folds"), options.calibrate.folds = count; });
  add_share(app, "--holdout", "Or this share of the rows, judged by what the others gave, which then is what is written", [&options, once](double share) {
    if (!(share > 0 && share < 1)) refuse(fmt::format("--holdout: expected a share above 0 and below 1, found {}", share));
    once("--holdout"), options.calibrate.holdout = share;
  });
  add_number(app, "--seed", "Of which row goes where; default: 0", {.most = 0xFFFFFFFF},
             [&](std::size_t seed) { options.calibrate.seed = static_cast<std::uint32_t>(seed); });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_model_option(app, options->model);
  add_table(app, *options);
  add_goals(app, *options);
  add_labels(app, options->labels);
  add_measuring(app, *options);
  add_text(app, "--output", "FILE", "Where it goes; default: filbert_decision.json beside the model", [options](const std::string& file) { options->output = file; });
  add_number(app, "--max-length", "Tokens of a text, special ones included; default: all the model takes", {.least = 1},
             [options](std::size_t length) { options->classify.max_length = length; });
  add_format_option(app, options->json, "Of what is shown: tables (the default), or a JSON object");
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command calibrate_command = {
    .name = "calibrate",
    .argument = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "How far to trust a model, measured, and kept beside it",
    .description =
        "Runs a model over FILE, a .csv, .tsv or .jsonl of texts with their labels, finds what makes its scores true and which answers to believe, and "
        "writes that beside the model, where classify and serve apply it. What it shows was measured on rows that had no part in it.",
    .examples =
        "  filbert calibrate --model my-checkpoint/ reviews.csv\n"
        "  filbert calibrate --model my-checkpoint/ reviews.csv --precision 0.9\n"
        "  filbert calibrate --model checkpoint/ reviews.csv --accuracy 0.95 --expected\n"
        "  filbert calibrate reviews.tsv --merge \"bad=1 star,2 stars\" --output stars.json\n"
        "  filbert classify --decision stars.json \"I really love this book\"\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
