#include <filbert/encoder.h>

#include <utility>

#include "infer/model.h"

namespace filbert {

AutoModel::AutoModel(std::unique_ptr<const Model> model) : PreTrainedModel(std::move(model)) {}

AutoModel AutoModel::from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options) {
  return AutoModel(Model::load(find_checkpoint(checkpoint, hub, {.tokenizer = false}), options, choose_table(), Task::encoder));
}

AutoModel AutoModel::from_pretrained(const std::filesystem::path& checkpoint, const ModelOptions& options) {
  return from_pretrained(checkpoint, HubOptions{}, options);
}

EncoderOutputs AutoModel::operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const {
  EncoderOutputs left;
  model_->logits(inputs, outputs, left);
  return left;
}

}  // namespace filbert
