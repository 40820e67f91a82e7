// filbert drift: does new data look like the old?
#include <future>
#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <filbert/drift.h>
#include <filbert/error.h>
#include <filbert/version.h>

#include "base/file.h"
#include "base/refuse.h"
#include "cli/command.h"
#include "cli/drift_text.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "cli/table_input.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTextsAtOnce = 1024;
constexpr int kFailedAbove = 8;  // exit code; those before are of errors

struct Options {
  ModelChoice model;
  ModelOptions loading;
  ClassifyOptions classify;
  DecisionChoice decision;
  DriftOptions drift;
  TableOptions table;
  std::filesystem::path reference, save_reference, output;
  std::optional<double> fail_above;
  ReportForm form = ReportForm::automatic;
};

bool is_summary(const std::filesystem::path& file) { return file.extension() == ".json"; }

TableOptions table_of(const Options& options, const std::filesystem::path& file, const char* argument) {
  TableOptions table = options.table;
  table.file = file;
  table.argument = argument;
  return table;
}

void measure(TableInput& input, DriftSummarizer& summarizer) {
  std::vector<DriftText> texts;
  TableRow row;
  for (bool at_end = false; !at_end;) {
    texts.clear();
    while (texts.size() < kTextsAtOnce && !(at_end = !input.next(row))) {
      texts.push_back({std::move(row.text), std::move(row.text_pair), std::move(row.label), row.invalid_utf8});
      row = {};
    }
    summarizer.add(texts);
  }
}

DriftSummary read_summary(const std::filesystem::path& file) {
  try {
    DriftSummary summary = drift_summary_from_json(read_file(file), file.string());
    summary.input = file.string();
    return summary;
  } catch (const Error& error) {  // the library calls a wrong file corrupt; this one is what the caller gave
    if (error.kind() == ErrorKind::not_found) throw;
    throw Error(ErrorKind::invalid_argument, fmt::format("{}; a file that \"filbert drift --save-reference\" wrote was expected", error.what()));
  }
}

std::string shown(const DriftReport& report, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(report);
  return form == ReportForm::json ? to_json(report) : text_lines(report, out);
}

// Says which measure drifts by more than `limit`, and not by chance, if one does.
bool is_above(double limit, const DriftReport& report, Messages& messages) {
  const DriftMeasure* worst = nullptr;
  for (const DriftMeasure& measure : report.measures) {
    if (measure.psi > limit && measure.psi > measure.chance_limit && (!worst || measure.psi > worst->psi)) worst = &measure;
  }
  if (worst) messages.warning(fmt::format("--fail-above: expected a PSI of at most {:g}, found {:.3f} of {}", limit, worst->psi, worst->info.title));
  return worst != nullptr;
}

void run(const Options& options, Session& session) {
  const std::filesystem::path file = session.arguments.front();
  if (options.reference.empty() && options.save_reference.empty()) {
    refuse("expected --reference FILE to compare with, or --save-reference FILE, found neither");
  }
  if (options.reference.empty() && options.fail_above) refuse("--fail-above: expected --reference beside it, found none");
  check_other_file("--output", options.output, {file, options.reference});
  check_other_file("--save-reference", options.save_reference, {file, options.reference});
  TableInput input(table_of(options, file, "FILE"));  // wrong names are told before a model is loaded
  std::optional<TableInput> old;
  DriftSummary reference;
  if (is_summary(options.reference)) {
    reference = read_summary(options.reference);
  } else if (!options.reference.empty()) {
    old.emplace(table_of(options, options.reference, "--reference"));
  }
  const std::filesystem::path directory = model_directory(options.model, session);
  auto hashes = std::async(std::launch::async, [directory] { return std::pair(weights_sha256(directory), tokenizer_sha256(directory)); });
  const auto classifier = pipeline("text-classification", directory, options.loading, options.decision);
  const auto finish = [&, hashes = hashes.get()](DriftSummary& summary, const std::filesystem::path& name) {
    summary.input = name.string(), summary.model = model_name(options.model), summary.version = FILBERT_VERSION;
    std::tie(summary.model_sha256, summary.tokenizer_sha256) = hashes;
  };
  if (old) {
    DriftSummarizer summarizer(classifier, options.classify, options.drift);
    measure(*old, summarizer);
    reference = std::move(summarizer.summary());
    finish(reference, options.reference);
  }
  DriftSummarizer summarizer(classifier, options.classify, options.drift, options.reference.empty() ? nullptr : &reference);
  DriftSummary empty;  // of this model: another one is refused before the file is measured
  empty.texts = 1, empty.max_length = options.classify.max_length, empty.decision_sha256 = summarizer.summary().decision_sha256;
  finish(empty, file);
  if (!options.reference.empty()) compare_drift(reference, empty, {}, options.drift);
  measure(input, summarizer);
  DriftSummary& current = summarizer.summary();
  finish(current, file);
  if (current.texts == 0) refuse(fmt::format("{}: expected texts, found none", file.string()));
  if (!options.save_reference.empty()) {
    write_file_atomic(options.save_reference, to_json(current));
    session.messages.note(fmt::format("{}: what was measured of {} texts, without a text", options.save_reference.string(), current.texts));
  }
  if (options.reference.empty()) return;
  DriftReport report = compare_drift(reference, current, summarizer.examples(), options.drift);
  report.command = session.command_line;
  const std::string made = shown(report, form_of(options.form, options.output), session.out);
  options.output.empty() ? session.out.write(made) : write_file_atomic(options.output, made);
  if (options.fail_above && is_above(*options.fail_above, report, session.messages)) session.exit_code = kFailedAbove;
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_text(app, "--reference", "FILE", "The old data: a file like FILE, or a .json that --save-reference wrote", [options](const std::string& file) { options->reference = file; });
  add_text(app, "--text-column", "NAME", "The column with the texts; default: text", [options](const std::string& name) { options->table.text_column = name; });
  add_text(app, "--text-pair-column", "NAME", "The column with the second text of a pair", [options](const std::string& name) { options->table.text_pair_column = name; });
  add_text(app, "--label-column", "NAME", "The column with the gold label", [options](const std::string& name) { options->table.label_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [options](const std::string& byte) { set_delimiter(byte, options->table); });
  add_text(app, "--save-reference", "FILE", "Keeps what was measured of FILE as a .json, without any text of it, to be a --reference later",
           [options](const std::string& file) {
             if (!is_summary(file)) refuse(fmt::format("--save-reference: expected a name that ends in .json, found \"{}\"", file));
             options->save_reference = file;
           });
  add_decimal(app, "--fail-above", "X", "Ends with exit code 8 if the PSI of a measure is above X, and above what chance gives", 0, 1000,
              [options](float limit) { options->fail_above = double{limit}; });
  add_number(app, "--bins", "Bins of a number, by the quantiles of the reference; default: 10", {.least = 2, .most = 1000},
             [options](std::size_t bins) { options->drift.bins = bins; });
  add_number(app, "--examples", "Texts to show of what is new; default: 3", {.most = 100}, [options](std::size_t count) { options->drift.examples = count; });
  add_number(app, "--seed", "Of the bootstrap, and of the texts that are shown; default: 0", {},
             [options](std::size_t seed) { options->drift.seed = static_cast<std::uint32_t>(seed); });
  add_number(app, "--max-length", "Tokens of a text, special ones included; default: all the model takes", {.least = 1},
             [options](std::size_t length) { options->classify.max_length = length; });
  add_report_form(app, "Lines, a JSON object, or a page; default: as the name of --output says, else text", [options](ReportForm form) { options->form = form; });
  add_text(app, "--output", "FILE", "Where the report goes; default: standard output", [options](const std::string& file) { options->output = file; });
  add_model_option(app, options->model);
  add_decision_options(app, options->decision);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command drift_command = {
    .name = "drift",
    .argument = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Does new data look like the old?",
    .description =
        "Compares the texts of FILE, a .csv, .tsv or .jsonl, with those of --reference: lengths, what is cut off or unknown, scripts, labels and their "
        "scores. Of each it says how far both lie apart (PSI), how far chance alone would put them, and what has changed, with texts.",
    .examples =
        "  filbert drift today.csv --reference training.csv --text-column review\n"
        "  filbert drift training.csv --save-reference training.json\n"
        "  filbert drift today.csv --reference training.json --fail-above 0.25\n"
        "  filbert drift today.jsonl --reference training.json --output drift.html\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
