// filbert explain: what each word of a text adds to a score; in a terminal, as JSON, or as a page.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <filbert/contexts.h>
#include <filbert/error.h>
#include <filbert/explain.h>

#include "base/file.h"
#include "base/names.h"
#include "cli/contexts_options.h"
#include "cli/explain_entities.h"
#include "cli/explain_file.h"
#include "cli/explain_options.h"
#include "cli/explain_text.h"
#include "cli/explain_verify.h"
#include "cli/input.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "cli/warnings.h"
#include "explain/contexts_page.h"
#include "explain/explain_json.h"
#include "explain/option_words.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

struct Interrupted {};

struct Options {
  InputOptions input;
  ModelChoice model;
  ModelOptions loading;
  ReportOptions report;
  std::string target = "probability";
  ReportForm form = ReportForm::automatic;
  std::filesystem::path output;
  std::filesystem::path verify;
  bool values_only = false;
  FileOptions file;
  EntityChoice entity;
  std::filesystem::path index;
  SimilarOptions similar;              // in it
  const char* of_index = nullptr;      // an option that is there and needs it
};

ReportForm form_of(const Options& options) { return form_of(options.form, options.output.empty() ? options.file.report : options.output); }

// A page says all there is; what nobody asked for in a terminal is not computed there.
ReportOptions report_options(const Options& options, ReportForm form, const Config& config) {
  ReportOptions report = options.report;
  if (report.methods.empty()) report.methods = {"shap"};
  set_target(options.target, config, report.explain, "--");
  apply_compat(report, "--");
  report.explain.cancelled = Interrupts::noted;
  if (report.attention && form != ReportForm::html) {
    throw Error(ErrorKind::invalid_argument, "--with-attention: expected a page (--output FILE.html), found none; filbert attention has the other formats");
  }
  report.counterfactuals = !options.values_only;
  report.faithfulness = form != ReportForm::text && !options.values_only;
  report.max_other_labels = form == ReportForm::html && !options.values_only ? 7 : 0;
  return report;
}

// What one text, or entity, became, in the form asked for.
template <typename Explanation>
std::string shown(const Explanation& explanation, ReportForm form, const Output& out) {
  if (form == ReportForm::html) return html_report(explanation);
  if (form == ReportForm::text) return text_lines(explanation, out);
  JsonWriter json;
  write_json(explanation, json);
  return json.take_line();
}

// The hashes of a checkpoint, computed beside its loading and the first explanation, which need not wait for them.
class Fingerprint {
 public:
  explicit Fingerprint(const std::filesystem::path& directory)
      : hashes_(std::async(std::launch::async, [directory] { return std::pair(weights_sha256(directory), tokenizer_sha256(directory)); })) {}

  void add_to(ExplainReport& report) { std::tie(report.model_sha256, report.tokenizer_sha256) = hashes(); }
  const std::pair<std::string, std::string>& hashes() {
    if (hashes_.valid()) known_ = hashes_.get();
    return known_;
  }

 private:
  std::future<std::pair<std::string, std::string>> hashes_;
  std::pair<std::string, std::string> known_;
};

// Where explanations go: to standard output one after the other, or to a file when all are there.
class Explanations {
 public:
  Explanations(const Options& options, ReportForm form, Session& session) : options_(options), form_(form), session_(session) {}

  template <typename Explanation>
  void add(const Explanation& explanation) {
    write(shown(explanation, form_, session_.out));
  }
  // With what is like its strongest words.
  void add(const ExplainReport& report, const ExplainedContexts& contexts) {
    if (form_ == ReportForm::html) return write(html_report(report, contexts));
    JsonWriter json;
    write_json(report, json, &contexts);
    write(json.take_line());
  }
  std::size_t count() const { return count_; }
  void finish() const {
    if (!options_.output.empty()) write_file_atomic(options_.output, of_file_);
  }

 private:
  void write(const std::string& text) {
    const std::string made = (form_ == ReportForm::text && count_ > 0 ? "\n" : "") + text;
    ++count_;
    if (options_.output.empty()) {
      session_.out.write(made);
    } else {
      of_file_ += made;
    }
  }

  const Options& options_;
  ReportForm form_;
  Session& session_;
  std::string of_file_;
  std::size_t count_ = 0;
};

using ExplainRecord = std::function<void(const Record& record, const std::string& where, Explanations& explanations, Warnings& warnings)>;

// Every text, by `explain_record`.
void explain_records(const Options& options, ReportForm form, Session& session, const ExplainRecord& explain_record) {
  Input input(session, options.input);
  const Interrupts interrupts;  // what there is by then is shown
  Warnings warnings(session.messages);
  Explanations explanations(options, form, session);
  const auto explain_each = [&](std::span<const Record> records) {
    for (const Record& record : records) {
      if (Interrupts::noted()) throw Interrupted{};
      if (!record.text) throw Error(ErrorKind::invalid_argument, "text: expected one to explain, found input_ids alone");
      explain_record(record, input.where(record), explanations, warnings);
    }
  };
  try {
    answer_all(input, session.out, warnings, explain_each);
  } catch (const Interrupted&) {
  } catch (...) {
    if (form != ReportForm::html && explanations.count() > 0) explanations.finish();  // those before the one at fault are whole
    throw;
  }
  explanations.finish();
  if (Interrupts::noted()) throw std::runtime_error("interrupted: what was found until then is written");
}

// What only the command knows of an explanation.
class Provenance {
 public:
  Provenance(const Options& options, ReportForm form, const std::filesystem::path& directory, const Session& session)
      : model_(model_name(options.model)), command_(session.command_line) {
    if (form != ReportForm::text) fingerprint_.emplace(directory);  // what a terminal does not show is not waited for
  }

  void add_to(ExplainReport& report) {
    report.model = model_;
    report.command = command_;
    if (fingerprint_) fingerprint_->add_to(report);
  }
  // Throws Error(invalid_argument) for an index of another model.
  void check(const ContextIndex& index) {
    const auto& [weights, tokenizer] = fingerprint_->hashes();
    index.check({weights, tokenizer});
  }

 private:
  std::string model_, command_;
  std::optional<Fingerprint> fingerprint_;
};

// What --index names, where it does.
std::optional<ContextIndex> index_of(const Options& options, ReportForm form) {
  if (options.index.empty()) return std::nullopt;
  if (form == ReportForm::text) {
    throw Error(ErrorKind::invalid_argument, "--index: expected a page (--output FILE.html) or --format json, found text; filbert similar has lines");
  }
  return open_index(options.index);
}

void explain_texts(const Options& options, const std::filesystem::path& directory, Session& session) {
  const ReportForm form = form_of(options);
  const std::optional<ContextIndex> index = index_of(options, form);
  SimilarOptions similar = options.similar;
  similar.num_threads = options.loading.num_threads;
  Provenance provenance(options, form, directory, session);
  note_decision(directory, session);
  const auto classifier = pipeline("text-classification", directory, options.loading, DecisionChoice{.use = false});
  const ReportOptions wanted = report_options(options, form, classifier.config());
  classifier.tokenizer();  // throws if there is none
  if (index) provenance.check(*index);
  explain_records(options, form, session, [&](const Record& record, const std::string& where, Explanations& explanations, Warnings& warnings) {
    if (form == ReportForm::html && explanations.count() > 0) {
      throw Error(ErrorKind::invalid_argument, "--format html: expected one text, found more; --report makes a page of many");
    }
    ExplainReport report = explain(classifier, {*record.text, record.text_pair}, wanted);
    provenance.add_to(report);
    warnings.answer(where, report.text.classification, record.invalid_utf8);
    if (!index) return explanations.add(report);
    explanations.add(report, explained_contexts(classifier, *index, report, similar));
  });
}

void explain_texts_of_entities(const Options& options, const std::filesystem::path& directory, Session& session) {
  const ReportForm form = form_of(options);
  if (options.report.attention) throw Error(ErrorKind::unsupported, "--with-attention: expected none for entities, found one");
  if (!options.index.empty()) throw Error(ErrorKind::unsupported, "--index: expected none for entities, found one: an index is of a model that labels texts");
  EntityExplainOptions wanted{.explain = options.report.explain, .gradients = options.report.gradients, .stride = options.entity.stride};
  if (!options.report.methods.empty()) wanted.methods = options.report.methods;
  set_entity_target(options.target, wanted.explain, "--");
  wanted.explain.cancelled = Interrupts::noted;
  Provenance provenance(options, form, directory, session);
  const auto pipeline = filbert::pipeline<TokenClassificationPipeline>("ner", directory, {}, options.loading);
  explain_records(options, form, session, [&](const Record& record, const std::string& where, Explanations& explanations, Warnings& warnings) {
    if (record.text_pair) throw Error(ErrorKind::invalid_argument, "text_pair: expected none for entities, found one");
    const std::vector<Entity> entities = wanted_entities(pipeline, *record.text, options.entity, wanted.explain, "--");
    if (form == ReportForm::html && explanations.count() + entities.size() != 1) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--format html: expected one entity, found {}; --entity says which",
                                                           explanations.count() + entities.size()));
    }
    for (const Entity& entity : entities) {
      EntityExplanation explanation = explain_entity(pipeline, *record.text, entity, wanted);
      provenance.add_to(explanation.report);
      if (&entity == &entities.front()) warnings.answer(where, explanation.report.text.classification, record.invalid_utf8);
      explanations.add(explanation);
    }
    if (entities.empty()) session.messages.warning(fmt::format("{}: no entities to explain", where));
  });
}

void explain_all(const Options& options, Session& session) {
  const bool of_entities = options.entity.entity.has_value();
  const std::filesystem::path directory = of_entities && !options.model.name ? default_entities_model() : model_directory(options.model, session);
  if (labels_tokens(Config::from_pretrained(directory))) return explain_texts_of_entities(options, directory, session);
  if (of_entities || options.entity.stride) {
    throw Error(ErrorKind::invalid_argument, fmt::format("--{}: expected a token classifier, found {}", of_entities ? "entity" : "stride", directory.string()));
  }
  explain_texts(options, directory, session);
}

void explain_whole_file(const Options& options, Session& session) {
  if (options.input.text_pair) throw Error(ErrorKind::invalid_argument, "--text-pair: expected none beside --input, found one");
  if (options.report.attention) throw Error(ErrorKind::invalid_argument, "--with-attention: expected a page of one text, found --input");
  if (!options.index.empty()) throw Error(ErrorKind::invalid_argument, "--index: expected single texts, found --input");
  if (!options.output.empty() && !options.file.report.empty()) {
    throw Error(ErrorKind::invalid_argument, "--output: expected --report alone beside --input, found both");
  }
  FileOptions file = options.file;
  if (options.input.format) file.table.format = table_format_from_name("--input-format", *options.input.format);
  ReportOptions report = options.report;
  if (options.target == "logit") report.explain.target = ExplainTarget::logit;
  if (options.target != "logit" && options.target != "probability") {
    throw Error(ErrorKind::invalid_argument, fmt::format("--target: expected probability or logit beside --input, found \"{}\"", options.target));
  }
  explain_file(file, report, options.model, options.loading, form_of(options), file.report.empty() ? options.output : file.report, session);
}

void run(const Options& options, Session& session) {
  if (options.of_index && options.index.empty()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected --index beside it, found none", options.of_index));
  }
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
  add_report_form(app, "Coloured words with numbers, a JSON object a text, or a page; default: as the name of --output says, else text",
                  [options](ReportForm form) { options->form = form; });
  add_text(app, "--output", "FILE", "Where to write; a name that ends in .html or .json says the format",
           [options](const std::string& file) { options->output = file; });
  add_flag(app, "--values-only", "Without what would change the label, and without how faithful the values are",
           [options] { options->values_only = true; });
  add_flag(app, "--with-attention", "A page shows where the model looked, too: what filbert attention draws", [options] { options->report.attention = true; });
  add_text(app, "--index", "DIR", "What filbert index has written: a page, or JSON, shows where else the three words that carry most stand so",
           [options](const std::string& directory) { options->index = directory; });
  add_search_options(app, options->similar, kHitsOfAWord, [options](const char* option) { options->of_index = option; });
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
  add_entity_options(app, options->entity);
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
        "  filbert explain \"Not bad\" --method shap,lime,occlusion --output why.html\n"
        "  filbert explain \"Not bad\" --index reviews.index --output why.html\n"
        "  filbert explain --target \"5 stars-4 stars\" --format json < in.txt > why.jsonl\n"
        "  filbert explain --verify why.jsonl\n"
        "  filbert explain --input reviews.csv --label-column stars --report why.html\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
