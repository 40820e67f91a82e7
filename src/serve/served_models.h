// The models that are served, by name. A set is const: a reload makes a new one, and requests under way keep theirs.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <filbert/entities.h>
#include <filbert/pipeline.h>

#include "infer/model.h"

namespace filbert {
class ContextIndex;  // filbert/contexts.h
}

namespace filbert::serve {

// The hashes of a checkpoint's weights and of its tokenizer's files, found out when somebody first asks. Members may be called from many threads.
class LazyFingerprint {
 public:
  explicit LazyFingerprint(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // Empty where a file is no longer there.
  const std::pair<std::string, std::string>& hashes();

 private:
  std::filesystem::path directory_;
  std::once_flag once_;
  std::pair<std::string, std::string> hashes_;
};

// A classifier of texts or of tokens. Const; may be asked from many threads.
struct ServedModel {
  std::string name;           // in routes and answers: the last part of what it was called, unless given as name=checkpoint
  std::string model_id;       // as it was called: a directory or a model of the Hub
  std::string revision;       // a commit of the Hub, else the sha256 of config.json; what tells two loads apart
  std::variant<TextClassificationPipeline, TokenClassificationPipeline> pipeline;
  std::vector<char> is_unknown = {};  // by token id: whether that is [UNK] or its like
  std::shared_ptr<LazyFingerprint> fingerprint = {};
  std::shared_ptr<const ContextIndex> index = {};  // of this model, that /similar searches; or none

  Task task() const { return std::holds_alternative<TextClassificationPipeline>(pipeline) ? Task::sequence_classification : Task::token_classification; }
  // The model as one of this task. Throws Problem(unsupported), which says what it is and who takes it, if it is of the other.
  const TextClassificationPipeline& classifier() const;
  const TokenClassificationPipeline& finder() const;

  // What both have.
  const PreTrainedModel& model() const;
  const Config& config() const { return model().config(); }
  std::size_t max_length() const;
  bool has_tokenizer() const;
  const Tokenizer& tokenizer() const;
  const std::map<int, std::string>& id2label() const;  // of the answers
  // A row of logits for each row of `inputs`, or for each token.
  Tensor logits(const BatchEncoding& inputs) const;
  // Which rows of such logits are of a row of `inputs`: the first, and one past the last.
  std::pair<std::size_t, std::size_t> logits_of(const BatchEncoding& inputs, std::size_t row) const;
};
// "text-classification", "token-classification"
std::string_view task_name(const ServedModel& model);

// Finds out what of the vocabulary is unknown. Throws Error(invalid_argument) for an index of another model.
std::shared_ptr<const ServedModel> make_served_model(std::string name, std::string model_id, std::string revision,
                                                     std::variant<TextClassificationPipeline, TokenClassificationPipeline> pipeline,
                                                     std::shared_ptr<const ContextIndex> index = {});

class ServedModels {
 public:
  explicit ServedModels(std::vector<std::shared_ptr<const ServedModel>> models) : models_(std::move(models)) {}

  // An empty name means the first, or with a task the first of that task, if there is one. Throws Problem(not_found), which names those there are.
  // "org/name" is found by "name" too, where only one is called that.
  std::shared_ptr<const ServedModel> at(std::string_view name) const;
  std::shared_ptr<const ServedModel> at(std::string_view name, Task task) const;
  const std::vector<std::shared_ptr<const ServedModel>>& all() const { return models_; }

 private:
  std::vector<std::shared_ptr<const ServedModel>> models_;
};

}  // namespace filbert::serve
