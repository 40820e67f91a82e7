// filbert entities: texts in, the names in them out, or whatever else a model has labels of tokens for.
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/entities.h>
#include <filbert/error.h>

#include "cli/entities_answer.h"
#include "cli/entities_options.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/text_file.h"
#include "cli/warnings.h"
#include "postprocess/answers.h"
#include "postprocess/entities.h"
#include "postprocess/entities_json.h"

namespace filbert::cli {
namespace {

enum class Format { text, json, conll };

struct Options {
  InputOptions input;
  TextFileOptions file;
  ModelChoice model{.name = {}, .hub = {}, .built_in = default_entities_model, .variable = "FILBERT_ENTITIES_MODEL"};
  ModelOptions loading;
  TokenClassificationOptions entities;
  bool has_strategy = false;
  bool words = false;
  Format format = Format::text;
  bool verbose = false;
};

std::vector<std::string_view> texts_of(std::span<const Record> records) {
  std::vector<std::string_view> texts;
  for (const Record& record : records) {
    if (record.is_tokenized()) throw Error(ErrorKind::invalid_argument, "input_ids: expected a text, whose entities have places in it, found ids");
    if (record.text_pair) throw Error(ErrorKind::invalid_argument, "text_pair: expected one text, found a pair");
    texts.emplace_back(*record.text);
  }
  return texts;
}

void warn(const std::string& where, const TokenClassification& answer, Warnings& warnings) {
  if (answer.truncated) warnings.truncated(where, answer.tokens_total, answer.tokens_used);
  if (answer.invalid_utf8 > 0) warnings.invalid_utf8(where, answer.invalid_utf8);
  const auto is_finite = [](const Entity& entity) { return std::isfinite(entity.score); };
  if (!std::all_of(answer.entities.begin(), answer.entities.end(), is_finite)) warnings.not_finite(where);
}

// What makes answers of texts, and shows them.
class Finder {
 public:
  Finder(const Options& options, const std::filesystem::path& directory)
      : options_(options), classifier_(pipeline<TokenClassificationPipeline>("token-classification", directory, {}, options.loading)),
        names_(entity_names(classifier_.config().id2label, options.entities.aggregation_strategy)) {
    classifier_.tokenize(std::span<const std::string_view>(), options.entities);  // a bad option is no text's fault
  }

  std::vector<TokenClassification> answers(const Texts& texts, const BatchEncoding& tokens) const {
    return classifier_.answers(tokens, classifier_.model()(tokens).logits, texts.texts(), options_.entities);
  }
  std::vector<TokenClassification> answers(const Texts& texts) const { return answers(texts, texts.tokenize(classifier_, options_.entities)); }

  std::string shown(const Record& record, const Texts& texts, std::size_t text, const TokenClassification& answer, const Output& out) {
    const AggregationStrategy strategy = options_.entities.aggregation_strategy;
    if (options_.format == Format::conll) return conll_lines(texts.split(text), answer, strategy, out);
    if (options_.format == Format::text) return (std::exchange(first_, false) ? "" : "\n") + text_lines(texts.texts()[text], answer, names_, out);
    write_json(record, texts.texts()[text], answer, strategy, json_);
    return json_.take_line();
  }

  const TokenClassificationPipeline& classifier() const { return classifier_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const Options& options_;
  TokenClassificationPipeline classifier_;
  std::vector<std::string> names_;
  JsonWriter json_;
  bool first_ = true;
};

// What must be the same for a run to go on with the rows of another.
RunSettings settings_of(const Options& options, const TokenClassificationPipeline& classifier) {
  const TokenClassificationOptions& entities = options.entities;
  const auto number = [](const auto& value) { return value ? fmt::format("{}", *value) : std::string("default"); };
  return {{"command", "entities"},
          {"labels", fmt::format("{}", fmt::join(labels_of(classifier.config().id2label), ", "))},
          {"dtype", std::string(name(classifier.model().compute_dtype()))},
          {"kernels", classifier.model().kernels()},
          {"aggregation_strategy", std::string(name(entities.aggregation_strategy))},
          {"ignore_labels", fmt::format("{}", fmt::join(entities.ignore_labels, ", "))},
          {"tagging_scheme", std::string(name(entities.tagging_scheme))},
          {"decoding", std::string(name(entities.decoding))},
          {"max_length", number(entities.max_length)},
          {"stride", number(entities.stride)},
          {"offset_unit", std::to_string(static_cast<int>(entities.offset_unit))},
          {"words", options.words ? "yes" : "no"}};
}

FileWork file_work(const Options& options, const std::filesystem::path& directory) {
  const auto finder = std::make_shared<Finder>(options, directory);
  FileWork work{.doing = "finding entities", .settings = settings_of(options, finder->classifier()), .texts = {}, .columns = {}, .counted = finder->names(),
                .count = {}};
  const auto texts_of = [words = options.words](std::span<const TextInput> inputs) {
    std::vector<std::string_view> texts;
    for (const TextInput& input : inputs) texts.push_back(input.text);
    return Texts(std::move(texts), words);
  };
  work.texts.tokenize = [finder, texts_of, &options](std::span<const TextInput> inputs) {
    return texts_of(inputs).tokenize(finder->classifier(), options.entities);
  };
  work.texts.compute = [finder, texts_of](const BatchEncoding& tokens, std::span<const TextInput> inputs) {
    std::vector<TextAnswer> answers;
    for (TokenClassification& answer : finder->answers(texts_of(inputs), tokens)) answers.push_back(TextAnswer::of(std::move(answer)));
    return answers;
  };
  work.columns.push_back({"entities", [strategy = options.entities.aggregation_strategy](const TextAnswer& answer, JsonWriter& json) {
                            write_entities(answer.entities, strategy, json);
                          }});
  add_length_columns(work.columns);
  work.count = [finder](const TextAnswer& answer, std::span<std::uint64_t> counts) {
    for (const Entity& entity : answer.entities) {
      const auto place = std::find(finder->names().begin(), finder->names().end(), entity.entity) - finder->names().begin();
      ++counts[static_cast<std::size_t>(place)];
    }
  };
  return work;
}

void run_file(const Options& options, Session& session) {
  if (options.format != Format::text) throw Error(ErrorKind::invalid_argument, "--format: expected --output-format beside --input, found --format");
  TextFileOptions file = options.file;
  if (options.input.format) file.table.format = table_format_from_name("--input-format", *options.input.format);
  file.table.lists = options.words;
  run_text_file(file, options.model, options.verbose, session, [&](const std::filesystem::path& directory) { return file_work(options, directory); });
}

void run(Options& options, Session& session) {
  if (!options.file.table.file.empty()) return run_file(options, session);
  check_no_file(options.file);
  if (options.format == Format::conll && !options.words) {
    throw Error(ErrorKind::invalid_argument, "--format conll: expected --words beside it, since it is words that get a line, found none");
  }
  if (options.format == Format::conll && !options.has_strategy) options.entities.aggregation_strategy = AggregationStrategy::first;
  if (options.format != Format::json) options.entities.offset_unit = OffsetUnit::bytes;  // only to cut with: nobody sees them
  options.input.lists = options.words;
  Finder finder(options, model_directory(options.model, session));
  if (options.verbose) session.messages.note(running(finder.classifier().model(), finder.classifier().max_length(), options.loading));
  Input input(session, options.input);
  Warnings warnings(session.messages);
  answer_all(input, session.out, warnings, [&](std::span<const Record> records) {
    const Texts texts(texts_of(records), options.words);
    std::vector<TokenClassification> answers = finder.answers(texts);
    for (std::size_t at = 0; at < records.size(); ++at) {
      answers[at].invalid_utf8 += records[at].invalid_utf8;
      session.out.write(finder.shown(records[at], texts, at, answers[at], session.out));
      warn(input.where(records[at]), answers[at], warnings);
    }
  });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->entities.aggregation_strategy = AggregationStrategy::simple;
  add_model_option(app, options->model);
  add_input_format_option(app, options->input, "{\"text\"}, with --words {\"words\"}");
  add_flag(app, "--words", "Texts are split into words: by white space, or as a JSON list of strings", [options] { options->words = true; });
  add_text_file_options(app, options->file, "the entities");
  add_choice(app, "--format", "text|json|conll",
             "Of the answers: the text with its entities marked and a line for each (the default), a JSON object a line, or with --words a line a word "
             "with its label", [options](const std::string& name) {
               options->format = name == "json" ? Format::json : name == "conll" ? Format::conll : Format::text;
             });
  add_entities_options(app, options->entities, options->has_strategy);
  add_loading_options(app, options->loading);
  add_flag(app, "--verbose", "Says on standard error what runs: dtype, kernels, threads", [options] { options->verbose = true; });
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command entities_command = {
    .name = "entities",
    .argument = "TEXT",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .summary = "Names in texts: persons, places, what the model knows",
    .description =
        "Finds the entities in each TEXT or, without one, in each line of standard input, in its order: what a token classifier has labels for. "
        "A text too long for the model is truncated, and a warning says so; with --stride all of it counts. With --input a whole file, whose "
        "columns come out with the entities behind them.",
    .examples =
        "  filbert entities \"Anna Fischer moved from Berlin to New York.\"\n"
        "  filbert entities --format json < news.txt | jq -r '.entities[].word'\n"
        "  filbert entities --aggregation-strategy first --decoding viterbi < a.txt\n"
        "  filbert entities --stride 32 --input news.csv --output found.csv.gz\n"
        "  echo '[\"Anna\", \"Fischer\", \"moved\"]' | filbert entities --words --format conll\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
