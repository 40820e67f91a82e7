#include "cli/checkpoint.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "infer/architecture.h"
#include "load/weight_files.h"

namespace filbert::cli {
namespace {

// Calls `load`; what it throws becomes `missing`, and `failure` unless it is only that the file is not there.
template <class Load>
void attempt(Load load, std::string& missing, std::optional<Error>& failure) {
  try {
    load();
  } catch (const Error& error) {
    missing = error.what();
    if (error.kind() != ErrorKind::not_found && !failure) failure = error;
  }
}

void config_doubts(const Config& config, std::vector<std::string>& out) {
  for (std::string& doubt : label_doubts(config)) out.push_back(std::move(doubt));
  const auto classifies = [](const std::string& name) { return name.ends_with("ForSequenceClassification") || name.ends_with("ForTokenClassification"); };
  if (config.architectures.empty()) {
    out.push_back("config.json names no architectures: nothing says that this model was trained to classify texts");
  } else if (std::none_of(config.architectures.begin(), config.architectures.end(), classifies)) {
    out.push_back(fmt::format("architectures names {}, not a …ForSequenceClassification or …ForTokenClassification", config.architectures.front()));
  }
}

void tokenizer_doubts(const Tokenizer& tokenizer, const std::optional<Config>& config, std::vector<std::string>& out) {
  for (std::string& doubt : tokenizer.doubts()) out.push_back(std::move(doubt));
  const auto length = tokenizer.model_max_length();
  if (!config) return;
  if (length && config->max_tokens && *length > *config->max_tokens) {
    out.push_back(fmt::format("model_max_length is {}, the model takes at most {} (max_position_embeddings {})", *length,
                              *config->max_tokens, config->max_position_embeddings));
  }
  if (tokenizer.vocab_size() > config->vocab_size) {
    out.push_back(
        fmt::format("the tokenizer knows {} tokens, the embedding table has {} rows: texts with the last are refused",
                    tokenizer.vocab_size(), config->vocab_size));
  } else if (tokenizer.vocab_size() < config->vocab_size) {
    out.push_back(fmt::format("the tokenizer knows {} tokens, the embedding table has {} rows: the last are never used",
                              tokenizer.vocab_size(), config->vocab_size));
  }
}

}  // namespace

const PreTrainedModel* Checkpoint::model() const {
  if (text_model) return &*text_model;
  return token_model ? &*token_model : nullptr;
}

std::optional<std::size_t> Checkpoint::max_length() const {
  const auto by_tokenizer = tokenizer ? tokenizer->model_max_length() : std::nullopt;
  if (!config) return by_tokenizer;
  return std::min(by_tokenizer.value_or(config->default_max_length()), config->default_max_length());
}

Checkpoint read_checkpoint(const std::filesystem::path& directory, const ModelOptions& options) {
  Checkpoint found;
  found.directory = directory;
  std::string config_missing;
  attempt([&] { found.config = Config::from_pretrained(directory); }, config_missing, found.failure);
  if (found.config) {
    attempt(
        [&] {
          if (task_of(*found.config) == Task::token_classification) {
            found.token_model = AutoModelForTokenClassification::from_pretrained(directory, options);
          } else {
            found.text_model = AutoModelForSequenceClassification::from_pretrained(directory, options);
          }
        },
        found.model_missing, found.failure);
  } else {
    found.model_missing = config_missing;
  }
  attempt([&] { found.tokenizer = AutoTokenizer::from_pretrained(directory); }, found.tokenizer_missing, found.failure);
  std::string no_decision;
  attempt([&] { found.decision = read_decision(directory / kDecisionFile); }, no_decision, found.failure);
  if (!found.config && !found.tokenizer && !found.failure) throw Error(ErrorKind::not_found, config_missing);
  return found;
}

std::string summary_of(const Decision& decision) {
  std::vector<std::string> parts = {decision.is_calibrated() ? "calibrated scores" : "the model's own scores", fmt::format("{} labels", decision.id2label.size())};
  if (!decision.thresholds.empty()) parts.push_back("thresholds");
  if (decision.may_reject()) parts.push_back("may reject");
  if (!decision.expected_values.empty()) parts.push_back("expected value");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string> label_doubts(const Config& config) {
  std::vector<std::string> out;
  if (config.has_default_labels) {
    out.push_back(fmt::format("config.json has no id2label: the labels are {} to {}, which say nothing",
                              config.id2label.begin()->second, config.id2label.rbegin()->second));
  } else if (config.id2label.begin()->second == "LABEL_0") {
    out.push_back("id2label holds the default names LABEL_0, …, which say nothing");
  }
  if (config.num_labels() == 1 && !config.problem_type && task_of(config) == Task::sequence_classification) {
    out.push_back(
        "one label and no problem_type: the score is a sigmoid; a regression model wants --function-to-apply none");
  }
  return out;
}

std::vector<std::string> doubts(const Checkpoint& checkpoint) {
  std::vector<std::string> out;
  if (!checkpoint.model()) out.push_back(fmt::format("no model: {}", checkpoint.model_missing));
  if (!checkpoint.tokenizer) out.push_back(fmt::format("no tokenizer: {}", checkpoint.tokenizer_missing));
  if (checkpoint.config) config_doubts(*checkpoint.config, out);
  if (checkpoint.tokenizer) tokenizer_doubts(*checkpoint.tokenizer, checkpoint.config, out);
  return out;
}

std::string weight_megabytes(const std::filesystem::path& directory) {
  return fmt::format("{:.1f} MB", static_cast<double>(weight_bytes(directory)) / 1e6);
}

}  // namespace filbert::cli
