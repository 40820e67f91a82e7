// filbert explain: what each word of a text adds to a score; in a terminal, as JSON, or as a page.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/explain.h>

#include "base/file.h"
#include "base/names.h"
#include "cli/explain_file.h"
#include "cli/explain_options.h"
#include "cli/explain_text.h"
#include "cli/explain_verify.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/warnings.h"
#include "explain/explain_json.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

struct Options {
  InputOptions input;
  ModelChoice model;
  ModelOptions loading;
  ReportOptions report;
  std::string target = "probability";
  ExplainForm form = ExplainForm::automatic;
  std::filesystem::path output;
  std::filesystem::path verify;
  FileOptions file;
};

ExplainForm form_of(const Options& options) {
  if (options.form != ExplainForm::automatic) return options.form;
  const std::string extension = (options.output.empty() ? options.file.report : options.output).extension().string();
  if (extension == ".html" || extension == ".htm") return ExplainForm::html;
  return extension == ".json" || extension == ".jsonl" ? ExplainForm::json : ExplainForm::text;
}

// A page says all there is; what nobody asked for in a terminal is not computed there.
ReportOptions report_options(const Options& options, ExplainForm form, const Config& config) {
  ReportOptions report = options.report;
  if (report.methods.empty()) report.methods = {"shap"};
  set_target(options.target, config, report.explain);
  apply_compat(report);
  report.faithfulness = form != ExplainForm::text;
  report.max_other_labels = form == ExplainForm::html ? 7 : 0;
  return report;
}

// What one text became, in the form asked for.
std::string shown(const ExplainReport& report, ExplainForm form, const Output& out) {
  if (form == ExplainForm::html) return html_report(report);
  if (form == ExplainForm::text) return text_lines(report, out);
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

void explain_all(const Options& options, Session& session) {
  const ExplainForm form = form_of(options);
  const std::filesystem::path directory = model_directory(options.model, session);
  // Beside the loading and the explaining, which need not wait for them.
  std::future<std::pair<std::string, std::string>> hashes = std::async(std::launch::async, [directory] {
    return std::pair(weights_sha256(directory), tokenizer_sha256(directory));
  });
  const auto classifier = pipeline("text-classification", directory, options.loading);
  const ReportOptions wanted = report_options(options, form, classifier.config());
  classifier.tokenizer();  // throws if there is none
  Input input(session, options.input);
  Warnings warnings(session.messages);
  std::string whole;  // of a file, which is written at once or not at all
  std::size_t count = 0;
  std::pair<std::string, std::string> sha256;
  answer_all(input, session.out, warnings, [&](std::span<const Record> records) {
    for (const Record& record : records) {
      if (!record.text) throw Error(ErrorKind::invalid_argument, "text: expected one to explain, found input_ids alone");
      if (form == ExplainForm::html && count > 0) {
        throw Error(ErrorKind::invalid_argument, "--format html: expected one text, found more; --report makes a page of many");
      }
      ExplainReport report = explain(classifier, {*record.text, record.text_pair}, wanted);
      if (hashes.valid()) sha256 = hashes.get();
      std::tie(report.model_sha256, report.tokenizer_sha256) = sha256;
      report.model = options.model.name ? options.model.name->string() : "built-in";
      report.command = session.command_line;
      const Classification& answer = report.text.classification;
      if (answer.truncated) warnings.truncated(input.where(record), answer.tokens_total, answer.tokens_used);
      if (answer.invalid_utf8 + record.invalid_utf8 > 0) warnings.invalid_utf8(input.where(record), answer.invalid_utf8 + record.invalid_utf8);
      const std::string made = shown(report, form, session.out);
      const std::string between = form == ExplainForm::text && count++ > 0 ? "\n" : "";
      if (options.output.empty()) {
        session.out.write(between + made);
      } else {
        whole += between + made;
      }
      count += form != ExplainForm::text;
    }
  });
  if (!options.output.empty()) write_file_atomic(options.output, whole);
}

void explain_whole_file(const Options& options, Session& session) {
  if (options.input.text_pair) throw Error(ErrorKind::invalid_argument, "--text-pair: expected none beside --input, found one");
  if (!options.output.empty() && !options.file.report.empty()) {
    throw Error(ErrorKind::invalid_argument, "--output: expected --report alone beside --input, found both");
  }
  FileOptions file = options.file;
  file.table.jsonl = options.input.jsonl;
  ReportOptions report = options.report;
  if (options.target == "logit") report.explain.target = ExplainTarget::logit;
  if (options.target != "logit" && options.target != "probability") {
    throw Error(ErrorKind::invalid_argument, fmt::format("--target: expected probability or logit beside --input, found \"{}\"", options.target));
  }
  explain_file(file, report, options.model, options.loading, form_of(options), file.report.empty() ? options.output : file.report, session);
}

void run(const Options& options, Session& session) {
  if (!options.verify.empty()) {
    if (!session.arguments.empty()) throw Error(ErrorKind::invalid_argument, "--verify: expected no TEXT beside it, found one");
    verify_explanations(options.verify, options.model, options.loading, session);
    return;
  }
  if (!options.file.table.file.empty()) return explain_whole_file(options, session);
  if (options.file.of_file) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected --input beside it, found none", options.file.of_file));
  }
  explain_all(options, session);
}

void add_output_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  add_choice(app, "--format", "text|json|html",
             "Coloured words with numbers, a JSON object a text, or a page; default: as the name of --output says, else text",
             [options](const std::string& form) { options->form = form == "text" ? ExplainForm::text : form == "json" ? ExplainForm::json : ExplainForm::html; });
  add_text(app, "--output", "FILE", "Where to write; a name that ends in .html or .json says the format",
           [options](const std::string& file) { options->output = file; });
  add_text(app, "--verify", "FILE", "Explains again what FILE, written by --format json, holds, and compares",
           [options](const std::string& file) { options->verify = file; });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->report.methods.clear();  // what is the default depends on what is explained
  add_model_option(app, options->model);
  add_input_options(app, options->input);
  add_output_options(app, options);
  add_explain_options(app, options->report, options->target);
  add_file_options(app, options->file);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command explain_command = {
    .name = "explain",
    .argument = "TEXT",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .summary = "Why a text gets its label: word by word",
    .description =
        "Says what each word of each TEXT, or of each line of standard input, adds to the score of its label. Without options by SHAP: "
        "Owen values, exact for short texts, else sampled until 95 % of the doubt lies within ±0.02 or two seconds have passed.",
    .examples =
        "  filbert explain \"I really love this book\"\n"
        "  filbert explain \"Not bad at all\" --method shap,lime,occlusion --output report.html\n"
        "  filbert explain --format json --target \"5 stars-4 stars\" < reviews.txt > why.jsonl\n"
        "  filbert explain --verify why.jsonl\n"
        "  filbert explain --input reviews.csv --label-column stars --report why.html\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
