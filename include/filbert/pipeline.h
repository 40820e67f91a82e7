// The three stages in one call. Behaviour: transformers' pipeline("text-classification", checkpoint), except that a text
// too long for the model is truncated, and says so, where transformers fails.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/model.h>
#include <filbert/postprocess.h>
#include <filbert/tokenizer.h>

namespace filbert {

struct ClassifyOptions {
  std::optional<FunctionToApply> function_to_apply = {};  // absent: default_function_to_apply(config)
  std::optional<std::size_t> top_k = {};                  // absent: all labels
  std::optional<std::size_t> max_length = {};             // absent: the longest that tokenizer and model take
  Truncation truncation = Truncation::longest_first;
};

// One text's answer.
struct Classification {
  std::string label;                // of the highest score; of equal ones the lowest id
  float score = 0;
  std::vector<LabelScore> scores;   // every label in id order; with top_k the k highest, descending
  std::vector<float> logits;        // [num_labels], in id order
  std::size_t tokens_total = 0;     // special tokens included
  std::size_t tokens_used = 0;
  bool truncated = false;
  std::size_t invalid_utf8 = 0;     // ill-formed byte sequences replaced by U+FFFD
};

// Const after loading; may be called from many threads at once.
class TextClassificationPipeline {
 public:
  // `tokenizer` may be absent: then only rows tokenized elsewhere can be classified.
  TextClassificationPipeline(std::optional<Tokenizer> tokenizer, AutoModelForSequenceClassification model);

  Classification operator()(std::string_view text, const ClassifyOptions& options = {}) const;
  std::vector<Classification> operator()(std::span<const TextInput> texts, const ClassifyOptions& options = {}) const;
  // Rows tokenized elsewhere; nothing is truncated.
  std::vector<Classification> operator()(const BatchEncoding& inputs, const ClassifyOptions& options = {}) const;

  // Stage 1 as this pipeline does it: truncated to max_length.
  BatchEncoding tokenize(std::span<const TextInput> texts, const ClassifyOptions& options = {}) const;
  // The longest row the model takes, special tokens included: the least of what tokenizer and model say.
  std::size_t max_length() const;

  bool has_tokenizer() const { return tokenizer_.has_value(); }
  const Tokenizer& tokenizer() const;  // Throws Error(not_found) if there is none
  const AutoModelForSequenceClassification& model() const { return model_; }
  const Config& config() const { return model_.config(); }

 private:
  std::optional<Tokenizer> tokenizer_;
  AutoModelForSequenceClassification model_;
};

// `checkpoint` is a directory or a model of the Hub. `task` is "text-classification" or its old name "sentiment-analysis". Errors: those of from_pretrained, and
// Error(unsupported) for another task.
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint,
                                    const ModelOptions& options = {});
TextClassificationPipeline pipeline(std::string_view task, const std::filesystem::path& checkpoint, const HubOptions& hub,
                                    const ModelOptions& options = {});

// The directory of the checkpoint that comes with Filbert: $FILBERT_MODEL if set, else the installed one, else the one
// of the source tree that built this library. Throws Error(not_found), naming the places looked at.
std::filesystem::path default_model();

}  // namespace filbert
