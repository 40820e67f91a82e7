// What `filbert inspect` finds in a directory: the parts of a checkpoint, each of which may be missing or broken, and
// what about them may surprise. And how large its weights are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <filbert/config.h>
#include <filbert/decision.h>
#include <filbert/error.h>
#include <filbert/model.h>
#include <filbert/tokenizer.h>

namespace filbert::cli {

struct Checkpoint {
  std::filesystem::path directory;
  std::optional<Config> config;
  std::optional<AutoModelForSequenceClassification> text_model;  // one of the two, by what config.json says that it is for
  std::optional<AutoModelForTokenClassification> token_model;
  std::optional<Tokenizer> tokenizer;
  std::optional<Decision> decision;  // beside them; not yet held against the weights
  std::optional<Error> failure;  // of the first part that is there and cannot be loaded
  std::string model_missing;     // why there is no model; empty if there is one
  std::string tokenizer_missing;

  const PreTrainedModel* model() const;  // null if there is none
  // The longest row, special tokens included: the least of what tokenizer and config say; nothing if neither says.
  std::optional<std::size_t> max_length() const;
};

// Loads what can be loaded. Throws Error(not_found) if the directory is not there or has no part of a checkpoint.
Checkpoint read_checkpoint(const std::filesystem::path& directory, const ModelOptions& options);

// Everything that is no error and yet may not be what was meant, a sentence each.
std::vector<std::string> doubts(const Checkpoint& checkpoint);
std::vector<std::string> label_doubts(const Config& config);  // those about its labels alone

// What a filbert_decision.json does, in a few words: "calibrated scores, 3 labels, thresholds, may reject".
std::string summary_of(const Decision& decision);

// "437.9 MB", of the files that hold the tensors.
std::string weight_megabytes(const std::filesystem::path& directory);

}  // namespace filbert::cli
