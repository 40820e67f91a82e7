#include "cli/any_classifier.h"

#include <algorithm>
#include <utility>

namespace filbert::cli {

AnyClassifier::AnyClassifier(std::optional<Tokenizer> tokenizer, const Config& config, const std::filesystem::path& directory, const ModelOptions& loading)
    : tokenizer_(std::move(tokenizer)), model_(load(config, directory, loading)) {}

AnyClassifier::Model AnyClassifier::load(const Config& config, const std::filesystem::path& directory, const ModelOptions& loading) {
  if (labels_tokens(config)) return AutoModelForTokenClassification::from_pretrained(directory, loading);
  return AutoModelForSequenceClassification::from_pretrained(directory, loading);
}

Tensor AnyClassifier::logits(const BatchEncoding& inputs) const {
  return std::visit([&](const auto& model) { return model(inputs).logits; }, model_);
}

std::span<const float> AnyClassifier::of_row(const Tensor& logits, const BatchEncoding& inputs, std::size_t row) const {
  if (!labels_tokens(config())) return logits[row];
  const std::size_t labels = logits.row_size();
  return std::span(logits.data).subspan(inputs.row_starts[row] * labels, inputs.row_length(row) * labels);
}

BatchEncoding AnyClassifier::tokenize(std::span<const TextInput> texts) const {
  return (*tokenizer_)(texts, {.truncation = Truncation::longest_first, .max_length = max_length(), .return_offsets_mapping = false});
}

std::size_t AnyClassifier::max_length() const {
  const std::size_t of_model = config().default_max_length();
  return tokenizer_ ? std::min(of_model, tokenizer_->model_max_length().value_or(of_model)) : of_model;
}

const PreTrainedModel& AnyClassifier::model() const {
  return std::visit([](const auto& model) -> const PreTrainedModel& { return model; }, model_);
}

}  // namespace filbert::cli
