#include "cli/explain_file.h"

#include <algorithm>
#include <csignal>
#include <future>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/version.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/refuse.h"
#include "cli/explain_bar.h"
#include "cli/explain_file_text.h"
#include "cli/file_hashes.h"
#include "cli/interrupts.h"
#include "cli/options.h"
#include "cli/partial_file.h"
#include "explain/corpus_json.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTextsOfAThread = 16;  // at once: what a run that is killed has to do again

CorpusOptions corpus_options(const FileOptions& options, const ReportOptions& report, unsigned num_threads) {
  if (report.explain.budget) refuse("--budget-ms: expected none beside --input, whose texts are explained without a clock");
  if (report.methods.size() > 1) refuse(fmt::format("--method: expected one beside --input, found {}", fmt::join(report.methods, ",")));
  CorpusOptions corpus{.explain = report.explain, .lime = report.lime, .shap = report.shap};
  if (!report.methods.empty()) corpus.method = report.methods.front();
  corpus.shap.budget.reset();
  corpus.leak_share = options.leak_share;
  corpus.seed = report.lime.seed;
  corpus.num_threads = num_threads;
  return corpus;
}

// What must be the same for the lines of one run to be those of another.
RunSettings settings_of(const CorpusOptions& options, const FileOptions& file, const FileHashes& hashes, const TextClassificationPipeline& classifier) {
  const ExplainOptions& explain = options.explain;
  const auto number = [](const auto& value) { return fmt::format("{}", value); };
  return {{"version", FILBERT_VERSION},
          {"input_sha256", hashes.input},
          {"text_column", file.table.text_column},
          {"text_pair_column", file.table.text_pair_column.value_or("")},
          {"delimiter", file.table.delimiter ? std::string(1, *file.table.delimiter) : std::string()},
          {"model_sha256", hashes.weights},
          {"tokenizer_sha256", hashes.tokenizer},
          {"dtype", std::string(name(classifier.model().compute_dtype()))},
          {"method", options.method},
          {"unit", std::string(name(explain.unit)) + explain.unit_regex},
          {"mask", number(static_cast<int>(explain.masking)) + explain.mask_string},
          {"target", std::string(name(explain.target))},
          {"function_to_apply", explain.function_to_apply ? std::string(name(*explain.function_to_apply)) : std::string("default")},
          {"max_length", explain.max_length ? number(*explain.max_length) : std::string("default")},
          {"seed", number(options.seed)},
          {"shap", fmt::format("{}, {} evals, {}", name(options.shap.algorithm), options.shap.max_evals, options.shap.half_width)},
          {"lime", fmt::format("{} samples, {} features, {}", options.lime.num_samples, options.lime.num_features,
                               name(options.lime.feature_selection))}};
}

// The rows of the file, one batch after the other, those that `partial` has from there; false if Ctrl-C ended it.
bool explain_rows(const FileOptions& options, const CorpusOptions& corpus, TableInput& input, PartialFile* partial, CorpusExplainer& explainer) {
  const Interrupts interrupts;  // ends the run behind the texts at hand
  ExplainBar bar;
  const std::size_t most = options.max_texts.value_or(static_cast<std::size_t>(-1));
  std::size_t done = 0;
  const auto share = [&] { return options.max_texts ? std::max(static_cast<double>(done) / static_cast<double>(most), input.share_read()) : input.share_read(); };
  JsonWriter json;
  for (bool at_end = false; !at_end && done < most;) {
    const bool is_new = !partial || done >= partial->rows_before();
    const std::size_t wanted = is_new ? corpus.num_threads * kTextsOfAThread : partial->rows_before() - done;
    std::vector<CorpusText> texts;
    std::vector<std::size_t> invalid;
    TableRow row;
    while (texts.size() < std::min({wanted, most - done, std::size_t{1024}}) && !(at_end = !input.next(row))) {
      texts.push_back({row.number, std::move(row.text), std::move(row.label), std::move(row.text_pair)});
      invalid.push_back(row.invalid_utf8);
    }
    std::vector<TextExplanation> explanations = is_new ? explainer.explain(texts) : std::vector<TextExplanation>();
    std::string lines;
    for (std::size_t text = 0; text < texts.size(); ++text) {
      if (!is_new) {
        RowExplanation before = partial->next().value();
        if (before.row != texts[text].row) {
          throw Error(ErrorKind::corrupt, fmt::format("{}: row: expected {}, found {}", partial->path().string(), texts[text].row, before.row));
        }
        explainer.add(texts[text], before.explanation);
        continue;
      }
      explanations[text].invalid_utf8 += invalid[text];
      explainer.add(texts[text], explanations[text]);
      if (!partial) continue;
      write_json(RowExplanation{texts[text].row, std::move(explanations[text])}, json);
      lines += json.take_line();
    }
    if (partial) partial->append(lines);
    done += texts.size();
    bar(share(), done, is_new);
    if (Interrupts::noted()) return false;
  }
  return true;
}

std::string shown(const CorpusReport& report, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(report);
  if (form != ReportForm::json) return text_lines(report, out);
  JsonWriter json;
  write_json(report, json);
  return json.take_line();
}

}  // namespace

void add_file_options(CLI::App& app, FileOptions& options) {
  const auto text = [&](const char* flag, const char* value, const char* description, auto set) {
    add_text(app, flag, value, description, [&options, flag, set](const std::string& word) {
      options.of_file = flag;
      set(word);
    });
  };
  add_text(app, "--input", "FILE", "A whole file, .csv, .tsv or .jsonl: which words speak for which label, and which give it away",
           [&](const std::string& file) { options.table.file = file; });
  text("--text-column", "NAME", "Of the file: the column that is explained; default: text", [&](const std::string& name) { options.table.text_column = name; });
  text("--text-pair-column", "NAME", "Of the file: the column with the second text of a pair", [&](const std::string& name) { options.table.text_pair_column = name; });
  text("--label-column", "NAME", "Of the file: the column with the label that a text should have", [&](const std::string& name) { options.table.label_column = name; });
  text("--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [&](const std::string& byte) { set_delimiter(byte, options.table); });
  text("--report", "FILE", "Where the report of a file goes, a page (.html) or an object (.json); what is done so far is in FILE.partial.jsonl",
       [&](const std::string& file) { options.report = file; });
  add_flag(app, "--resume", "Goes on where the run that left FILE.partial.jsonl ended", [&] { options.of_file = "--resume", options.resume = true; });
  add_number(app, "--max-texts", "Of the file: only the first N texts", {.least = 1},
             [&](std::size_t count) { options.of_file = "--max-texts", options.max_texts = count; });
  add_decimal(app, "--leak-share", "P", "Of the file: which share of a label's texts a word has to decide to give it away; default: 0.05", 1e-6F, 1,
              [&](float share) { options.of_file = "--leak-share", options.leak_share = double{share}; });
}

void explain_file(const FileOptions& options, const ReportOptions& report, const ModelChoice& model, const ModelOptions& loading,
                  ReportForm form, const std::filesystem::path& output, Session& session) {
  if (!session.arguments.empty()) refuse("--input: expected no TEXT beside it, found one");
  if (options.resume && output.empty()) refuse("--resume: expected --report beside it, found none");
  const unsigned num_threads = loading.num_threads != 0 ? loading.num_threads : available_threads();
  const CorpusOptions corpus = corpus_options(options, report, num_threads);
  TableInput input(options.table);  // a wrong name is told before a model is loaded
  check_other_file("--output", output, {options.table.file});
  const std::filesystem::path directory = model_directory(model, session);
  std::future<FileHashes> hashing = hash_files(options.table.file, directory);
  ModelOptions of_one_thread = loading;  // threads are better spent on texts
  of_one_thread.num_threads = 1;
  note_decision(directory, session);
  const auto classifier = pipeline("text-classification", directory, of_one_thread, DecisionChoice{.use = false});
  classifier.tokenizer();  // throws if there is none
  CorpusExplainer explainer(classifier, corpus);
  const FileHashes hashes = hashing.get();
  std::optional<PartialFile> partial;
  if (!output.empty()) partial.emplace(output.string() + ".partial.jsonl", settings_of(corpus, options, hashes, classifier), options.resume);
  if (!explain_rows(options, corpus, input, partial ? &*partial : nullptr, explainer)) {
    session.messages.note(partial ? fmt::format("stopped; what is done is in {}, and --resume goes on", partial->path().string()) : std::string("stopped"));
    std::raise(SIGINT);  // whoever started this learns how it ended
    return;
  }
  CorpusReport result = explainer.result();
  result.input = options.table.file.string();
  result.model = model_name(model);
  result.model_sha256 = hashes.weights;
  result.tokenizer_sha256 = hashes.tokenizer;
  result.input_sha256 = hashes.input;
  result.command = session.command_line;
  const std::string made = shown(result, form, session.out);
  if (output.empty()) {
    session.out.write(made);
    return;
  }
  write_file_atomic(output, made);
  partial->remove();
}

}  // namespace filbert::cli
