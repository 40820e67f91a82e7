// filbert attention: where a model looked, in a terminal, as JSON, or as a page with the views of BERTViz.
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <filbert/attention.h>
#include <filbert/encoder.h>
#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "base/file.h"
#include "cli/any_classifier.h"
#include "cli/attention_text.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "cli/number_list.h"
#include "cli/options.h"
#include "cli/report_form.h"
#include "cli/warnings.h"

namespace filbert::cli {
namespace {

struct Options {
  InputOptions input;
  ModelChoice model;
  ModelOptions loading;
  AttentionOptions attention;
  std::optional<bool> neurons;  // absent: where the page stays small
  std::string view = "head";
  ShownLinks links;
  ReportForm form = ReportForm::automatic;
  std::filesystem::path output;
};

using Attend = std::function<AttentionMap(TextInput, const AttentionOptions&)>;

template <typename AutoClass>
Attend attend_with(const std::filesystem::path& directory, const ModelOptions& loading) {
  const auto tokenizer = std::make_shared<const Tokenizer>(AutoTokenizer::from_pretrained(directory));
  const auto model = std::make_shared<const AutoClass>(AutoClass::from_pretrained(directory, loading));
  return [tokenizer, model](TextInput text, const AttentionOptions& options) { return attention_map(*tokenizer, *model, text, options); };
}

// The checkpoint, with either head or none, as what is asked of it.
Attend load(const std::filesystem::path& directory, const ModelOptions& loading) {
  const Config config = Config::from_pretrained(directory);
  if (labels_tokens(config)) return attend_with<AutoModelForTokenClassification>(directory, loading);
  if (!config.architectures.empty() && !is_made_for(config, "ForSequenceClassification")) return attend_with<AutoModel>(directory, loading);
  const auto classifier = std::make_shared<const TextClassificationPipeline>(pipeline("text-classification", directory, loading, DecisionChoice{.use = false}));
  classifier->tokenizer();  // throws if there is none
  return [classifier](TextInput text, const AttentionOptions& options) { return attention_map(*classifier, text, options); };
}

// How many tokens the model saw says whether queries and keys go into a page that nobody asked for them.
AttentionMap attend(const Attend& run, const Record& record, const Options& options, ReportForm form) {
  AttentionOptions wanted = options.attention;
  wanted.queries_keys = options.neurons.value_or(form == ReportForm::html);
  AttentionMap map = run({*record.text, record.text_pair}, wanted);
  if (!options.neurons && options.view != "neuron" && map.tokens.size() > kMostNeuronTokens) {
    for (AttentionLayer& layer : map.layers) layer.queries = layer.keys = Tensor();
  }
  return map;
}

void run(const Options& options, Session& session) {
  const ReportForm form = form_of(options.form, options.output);
  const Attend run_model = load(model_directory(options.model, session), options.loading);
  Input input(session, options.input);
  Warnings warnings(session.messages);
  std::string of_file;
  std::size_t count = 0;
  answer_all(input, session.out, warnings, [&](std::span<const Record> records) {
    for (const Record& record : records) {
      if (!record.text) throw Error(ErrorKind::invalid_argument, "text: expected one to look at, found input_ids alone");
      if (form == ReportForm::html && count > 0) throw Error(ErrorKind::invalid_argument, "--format html: expected one text, found more");
      AttentionMap map = attend(run_model, record, options, form);
      map.model = model_name(options.model);
      map.command = session.command_line;
      warnings.answer(input.where(record), map.classification, record.invalid_utf8);
      std::string made;
      if (form == ReportForm::html) made = attention_html(map, {.view = options.view, .layer = options.links.layer, .heads = options.links.heads});
      if (form == ReportForm::json) made = attention_json(map);
      if (form == ReportForm::text) made = (count > 0 ? "\n" : "") + text_lines(map, options.links, session.out);
      ++count;
      if (options.output.empty()) session.out.write(made);
      if (!options.output.empty()) of_file += made;
    }
  });
  if (!options.output.empty()) write_file_atomic(options.output, of_file);
}

void add_what(CLI::App& app, const std::shared_ptr<Options>& options) {
  add_number_list(app, "--layers", "Of these layers alone, numbered from 0, such as 0,2,5-7; default: all",
                  [options](std::vector<std::size_t> layers) { options->attention.layers = std::move(layers); });
  add_number_list(app, "--heads", "Of these heads of each layer alone; default: all",
                  [options](std::vector<std::size_t> heads) { options->attention.heads = std::move(heads); });
  add_number(app, "--layer", "The layer whose links are listed in a terminal (default: the last), or that a page opens with (the first)", {},
             [options](std::size_t layer) { options->links.layer = layer; });
  add_number_list(app, "--head", "The heads whose mean is listed in a terminal, or that a page opens with; default: all",
                  [options](std::vector<std::size_t> heads) { options->links.heads = std::move(heads); });
  add_choice(app, "--view", "head|model|neuron", "What a page opens with; default: head", [options](const std::string& view) { options->view = view; });
  add_flag(app, "--neurons", "With queries and keys, of which a page makes the neuron view; default: a page of up to 64 tokens",
           [options] { options->neurons = true; });
  add_flag(app, "--no-neurons", "Without them, which makes a page smaller", [options] { options->neurons = false; });
  add_flag(app, "--values", "Of JSON: with values and contexts of every head", [options] { options->attention.values_contexts = true; });
  add_flag(app, "--hidden-states", "Of JSON: with what each layer takes, and what the last one gives", [options] { options->attention.hidden_states = true; });
  add_choice(app, "--function-to-apply", "softmax|sigmoid|none", "What makes scores of logits; default: as the model says",
             [options](const std::string& name) { options->attention.function_to_apply = function_to_apply_from_name(name); });
  add_number(app, "--max-length", "Tokens of a text, special ones included; default: all the model takes", {.least = 1},
             [options](std::size_t length) { options->attention.max_length = length; });
}

void add_output_options(CLI::App& app, const std::shared_ptr<Options>& options) {
  add_report_form(app, "A table for people, a JSON object a text, or a page; default: as the name of --output says, else text",
                  [options](ReportForm form) { options->form = form; });
  add_flag(app, "--json", "The same as --format json", [options] { options->form = ReportForm::json; });
  add_text(app, "--output", "FILE", "Where to write; a name that ends in .html or .json says the format",
           [options](const std::string& file) { options->output = file; });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_model_option(app, options->model);
  add_input_options(app, options->input);
  add_output_options(app, options);
  add_what(app, options);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command attention_command = {
    .name = "attention",
    .argument = "TEXT",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .summary = "Where the model looked: layer by layer, head by head",
    .description =
        "Says what each token of each TEXT, or of each line of standard input, looks at in the model's layers and heads, as one page with the "
        "head, the model and the neuron view, as JSON with every weight, or as a table. Where the model looked is not why it answered so: for "
        "that there is filbert explain.",
    .examples =
        "  filbert attention \"I really love this book\"\n"
        "  filbert attention \"The cat sat\" --text-pair \"It purred\" --output look.html\n"
        "  filbert attention \"Not bad\" --layer 3 --head 5\n"
        "  filbert attention \"Not bad\" --layers 0-2 --heads 1,4 --format json\n"
        "  filbert attention \"Not bad\" --view neuron --head 5 --output look.html\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
