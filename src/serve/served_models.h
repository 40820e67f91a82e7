// The models that are served, by name. A set is const: a reload makes a new one, and requests under way keep theirs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/pipeline.h>

namespace filbert::serve {

struct ServedModel {
  std::string name;           // in routes and answers: the last part of what it was called, unless given as name=checkpoint
  std::string model_id;       // as it was called: a directory or a model of the Hub
  std::string revision;       // a commit of the Hub, else the sha256 of config.json; what tells two loads apart
  TextClassificationPipeline classifier;
  std::vector<char> is_unknown = {};  // by token id: whether that is [UNK] or its like
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
