// A checkpoint's classifier, whichever head it has: what `filbert verify` asks of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <variant>

#include <filbert/model.h>
#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

#include "cli/model_options.h"

namespace filbert::cli {

class AnyClassifier {
 public:
  AnyClassifier(std::optional<Tokenizer> tokenizer, const Config& config, const std::filesystem::path& directory, const ModelOptions& loading);

  // A row of them for each row of `inputs`, or for each token.
  Tensor logits(const BatchEncoding& inputs) const;
  // Of `logits` those of one row of `inputs`, end to end.
  std::span<const float> of_row(const Tensor& logits, const BatchEncoding& inputs, std::size_t row) const;

  bool has_tokenizer() const { return tokenizer_.has_value(); }
  BatchEncoding tokenize(std::span<const TextInput> texts) const;  // truncated to max_length(); there must be a tokenizer
  std::size_t max_length() const;
  const PreTrainedModel& model() const;
  const Config& config() const { return model().config(); }

 private:
  using Model = std::variant<AutoModelForSequenceClassification, AutoModelForTokenClassification>;
  static Model load(const Config& config, const std::filesystem::path& directory, const ModelOptions& loading);

  std::optional<Tokenizer> tokenizer_;
  Model model_;
};

}  // namespace filbert::cli
