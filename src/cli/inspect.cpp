// filbert inspect: what a checkpoint is.
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/postprocess.h>

#include "base/json_writer.h"
#include "cli/checkpoint.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "infer/architecture.h"

namespace filbert::cli {
namespace {

struct Options {
  ModelChoice model;  // its name is the argument
  ModelOptions loading;
  bool json = false;
};

// "22,713,221"
std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string mebibytes(std::size_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

class Table {
 public:
  explicit Table(const Output& out) : out_(out) {}
  void row(std::string_view name, std::string_view value) {
    text_ += fmt::format("{}  {}\n", out_.bold(fmt::format("{:<13}", name)), out_.foreign(value));
  }
  const std::string& text() const { return text_; }

 private:
  const Output& out_;
  std::string text_;
};

void config_rows(const Config& config, Table& table) {
  const std::string architectures =
      config.architectures.empty() ? "" : fmt::format(" ({})", fmt::join(config.architectures, ", "));
  table.row("architecture", config.model_type + architectures);
  table.row("sizes", fmt::format("{} layers, hidden {}, {} heads of {}, intermediate {}, {}", config.num_hidden_layers,
                                 config.hidden_size, config.num_attention_heads, config.head_size(),
                                 config.intermediate_size, config.hidden_act));
  table.row("embeddings", fmt::format("{} tokens, {} positions, {} types", grouped(config.vocab_size),
                                      config.max_position_embeddings, config.type_vocab_size));
  if (task_of(config) == Task::token_classification) {
    table.row("scores", fmt::format("softmax of {} logits a token", config.num_labels()));
  } else {
    table.row("scores", fmt::format("{} of {} logits{}", name(default_function_to_apply(config)), config.num_labels(),
                                    config.problem_type ? ", " + *config.problem_type : ""));
  }
  for (const auto& [id, label] : config.id2label) {
    table.row(id == 0 ? "labels" : "", fmt::format("{:>2}  {}", id, label));
  }
}

std::string text(const Checkpoint& checkpoint, const Output& out) {
  Table table(out);
  table.row("directory", checkpoint.directory.string());
  if (checkpoint.config) config_rows(*checkpoint.config, table);
  if (const PreTrainedModel* model = checkpoint.model()) {
    table.row("weights", fmt::format("{} parameters, {}, {} in memory", grouped(model->num_parameters()),
                                     model->dtype(), mebibytes(model->weight_bytes())));
    table.row("runs with", fmt::format("{} in {} kernels, {} thread{}", name(model->compute_dtype()), model->kernels(),
                                       model->num_threads(), model->num_threads() == 1 ? "" : "s"));
  }
  table.row("tokenizer", checkpoint.tokenizer ? checkpoint.tokenizer->description() : "none");
  const auto length = checkpoint.max_length();
  table.row("max length", length ? fmt::format("{} tokens, special ones included", *length) : "none is set");
  if (checkpoint.decision) table.row("decision", summary_of(*checkpoint.decision));
  for (const std::string& doubt : doubts(checkpoint)) table.row("doubt", doubt);
  return table.text();
}

void optional_field(JsonWriter& json, const char* name, const auto& value) {
  json.key(name);
  value ? json.value(*value) : json.null();
}

void config_fields(const Config& config, JsonWriter& json) {
  json.field("model_type", config.model_type);
  json.key("architectures");
  json.array(config.architectures);
  json.field("vocab_size", config.vocab_size);
  json.field("hidden_size", config.hidden_size);
  json.field("num_hidden_layers", config.num_hidden_layers);
  json.field("num_attention_heads", config.num_attention_heads);
  json.field("intermediate_size", config.intermediate_size);
  json.field("max_position_embeddings", config.max_position_embeddings);
  json.field("type_vocab_size", config.type_vocab_size);
  json.field("hidden_act", config.hidden_act);
  json.field("num_labels", config.num_labels());
  json.key("id2label");
  json.begin_object();
  for (const auto& [id, label] : config.id2label) json.field(std::to_string(id), label);
  json.end_object();
  optional_field(json, "problem_type", config.problem_type);
  const bool of_tokens = task_of(config) == Task::token_classification;
  json.field("task", of_tokens ? "token-classification" : "text-classification");
  json.field("function_to_apply", name(of_tokens ? FunctionToApply::softmax : default_function_to_apply(config)));
}

std::string json_line(const Checkpoint& checkpoint) {
  JsonWriter json;
  json.begin_object();
  json.field("directory", checkpoint.directory.string());
  if (checkpoint.config) config_fields(*checkpoint.config, json);
  if (const PreTrainedModel* model = checkpoint.model()) {
    json.field("num_parameters", model->num_parameters());
    json.field("dtype", model->dtype());
    json.field("weight_bytes", model->weight_bytes());
    json.field("kernels", model->kernels());
    json.field("compute_dtype", name(model->compute_dtype()));
    json.field("num_threads", model->num_threads());
  }
  json.key("tokenizer");
  if (const auto& tokenizer = checkpoint.tokenizer) {
    json.begin_object();
    json.field("description", tokenizer->description());
    json.field("vocab_size", tokenizer->vocab_size());
    json.field("lowercases", tokenizer->lowercases());
    optional_field(json, "model_max_length", tokenizer->model_max_length());
    json.end_object();
  } else {
    json.null();
  }
  optional_field(json, "max_length", checkpoint.max_length());
  if (checkpoint.decision) json.field("decision", summary_of(*checkpoint.decision));
  json.key("doubts");
  json.array(doubts(checkpoint));
  json.end_object();
  return json.take_line();
}

void run(const Options& options, Session& session) {
  ModelChoice choice = options.model;
  if (!session.arguments.empty()) choice.name = session.arguments.front();
  const Checkpoint checkpoint = read_checkpoint(model_directory(choice, session), options.loading);
  session.out.write(options.json ? json_line(checkpoint) : text(checkpoint, session.out));
  if (checkpoint.failure)
    throw *checkpoint.failure;  // what could be read is printed; the exit code says that it is not all
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_format_option(app, options->json, "Lines for people (the default), or a JSON object");
  add_hub_options(app, options->model.hub);
  add_loading_options(app, options->loading);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command inspect_command = {
    .name = "inspect",
    .argument = "DIR",
    .min_arguments = 0,
    .max_arguments = 1,
    .summary = "What a checkpoint is, and every doubt about it",
    .description =
        "Describes the checkpoint in DIR, a directory or a model of the Hugging Face Hub, or the one that comes with Filbert: architecture, sizes, labels, "
        "tokenizer, and everything about it that may surprise. Works as well on a tokenizer alone, or "
        "where there is none.",
    .examples =
        "  filbert inspect\n"
        "  filbert inspect path/to/checkpoint\n"
        "  filbert inspect --format json path/to/checkpoint | jq .id2label\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
