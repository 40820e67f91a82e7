// filbert similar: the tokens of an index that are like one of a text, in their sentences; in a terminal, as JSON, or as a page.
#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>

#include "base/file.h"
#include "cli/contexts_options.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "cli/similar_text.h"
#include "explain/contexts_json.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

struct Options {
  ModelChoice model;
  ModelOptions loading;
  SimilarOptions similar;
  std::optional<TokenChoice> token;
  std::optional<std::string> text_pair;
  std::filesystem::path index, output;
  ReportForm form = ReportForm::automatic;
};

ReportForm form_of(const Options& options) {
  if (options.form != ReportForm::automatic) return options.form;
  const std::string extension = options.output.extension().string();
  if (extension == ".html" || extension == ".htm") return ReportForm::html;
  return extension == ".json" ? ReportForm::json : ReportForm::text;
}

// A number is a place in the row; anything else a word.
TokenChoice choice_of(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return {std::nullopt, text};
  return {static_cast<std::size_t>(std::stoul(text)), {}};
}

std::string shown(const SimilarReport& report, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(report);
  if (form == ReportForm::text) return text_lines(report, out);
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

void run(const Options& options, Session& session) {
  if (options.index.empty()) throw Error(ErrorKind::invalid_argument, "--index: expected what \"filbert index\" has written, found none");
  if (!options.token) throw Error(ErrorKind::invalid_argument, "--token: expected a word of the text, or the number of a token, found none");
  const ContextIndex index = open_index(options.index);
  const std::filesystem::path directory = model_directory(options.model, session);
  auto hashes = std::async(std::launch::async, [directory] { return CheckpointHashes{weights_sha256(directory), tokenizer_sha256(directory)}; });
  const auto classifier = pipeline("text-classification", directory, options.loading, DecisionChoice{.use = false});
  index.check(hashes.get());
  const ReportForm form = form_of(options);
  SimilarOptions wanted = options.similar;
  wanted.num_threads = options.loading.num_threads;
  wanted.mask_each = form == ReportForm::html;
  SimilarReport report = similar(classifier, index, {session.arguments.front(), options.text_pair}, *options.token, wanted);
  report.model = model_name(options.model);
  report.command = session.command_line;
  for (const std::string& warning : report.warnings) session.messages.warning(warning);
  const std::string made = shown(report, form, session.out);
  if (options.output.empty()) {
    session.out.write(made);
  } else {
    write_file_atomic(options.output, made);
  }
}

void add_query_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  add_text(app, "--index", "DIR", "What \"filbert index\" has written", [options](const std::string& directory) { options->index = directory; });
  add_text(app, "--token", "N", "Which token of TEXT: a word, or its number in the row, in which special tokens count",
           [options](const std::string& text) { options->token = choice_of(text); });
  add_text(app, "--text-pair", "TEXT", "The second text of the pair, for models that take two; --token may be a word of either",
           [options](const std::string& text) { options->text_pair = text; });
  add_search_options(app, options->similar, 50, [options](const char*) {});
  add_text(app, "--mask", "N", "Masks this token of TEXT, named as --token, and tells how score and attention change",
           [options](const std::string& text) { options->similar.mask = choice_of(text); });
  add_flag(app, "--no-attention", "Without what the heads attend to in the sentences, which are run through the model for it",
           [options] { options->similar.attention = false; });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_query_options(app, options);
  add_report_form(app, "Lines, a JSON object, or a page; default: as the name of --output says, else text", [options](ReportForm form) { options->form = form; });
  add_text(app, "--output", "FILE", "Where it goes; default: standard output", [options](const std::string& file) { options->output = file; });
  add_model_option(app, options->model);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command similar_command = {
    .name = "similar",
    .argument = "TEXT",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "The tokens of an index that are like one of a text",
    .description =
        "Finds, among the tokens of an index, those that the model takes most like a token of TEXT, and shows each in its sentence with the label "
        "that the model gives it, what follows, and what the heads attend to. All stored tokens are looked at. The model must be that of the index.",
    .examples =
        "  filbert similar \"I really love this book\" --token love --index my.index\n"
        "  filbert similar \"Not bad\" --token bad --index my.index --output a.html\n"
        "  filbert similar \"I [MASK] it\" --token [MASK] --by context --index my.index\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
