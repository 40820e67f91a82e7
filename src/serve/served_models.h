// The models that are served, by name. A set is const: a reload makes a new one, and requests under way keep theirs.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <filbert/pipeline.h>

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

struct ServedModel {
  std::string name;           // in routes and answers: the last part of what it was called, unless given as name=checkpoint
  std::string model_id;       // as it was called: a directory or a model of the Hub
  std::string revision;       // a commit of the Hub, else the sha256 of config.json; what tells two loads apart
  TextClassificationPipeline classifier;
  std::vector<char> is_unknown = {};  // by token id: whether that is [UNK] or its like
  std::shared_ptr<LazyFingerprint> fingerprint = {};
};

// Finds out what of the vocabulary is unknown.
std::shared_ptr<const ServedModel> make_served_model(std::string name, std::string model_id, std::string revision,
                                                     TextClassificationPipeline classifier);

class ServedModels {
 public:
  explicit ServedModels(std::vector<std::shared_ptr<const ServedModel>> models) : models_(std::move(models)) {}

  // The first is what an empty name means. Throws Problem(not_found), which names those there are. "org/name" is found by "name" too, where
  // only one is called that.
  std::shared_ptr<const ServedModel> at(std::string_view name) const;
  const std::vector<std::shared_ptr<const ServedModel>>& all() const { return models_; }

 private:
  std::vector<std::shared_ptr<const ServedModel>> models_;
};

}  // namespace filbert::serve
