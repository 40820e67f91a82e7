// An encoder without a head, as pre-training leaves it: no labels, but hidden states and attention. Behaviour: transformers' AutoModel.
#pragma once

#include <filesystem>
#include <memory>

#include <filbert/model.h>

namespace filbert {

// operator() may be called from many threads at once.
class AutoModel : public PreTrainedModel {
 public:
  // As the classifiers' of model.h, but that no head is looked for; those of pre-training are left where they lie.
  static AutoModel from_pretrained(const std::filesystem::path& checkpoint, const ModelOptions& options = {});
  static AutoModel from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options = {});

  // Throws Error(invalid_argument): a row longer than config().max_tokens, an id outside the embedding table, a layer that there is not.
  EncoderOutputs operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const;

  explicit AutoModel(std::unique_ptr<const Model> model);
};

}  // namespace filbert
