#include "infer/nystromformer.h"

#include <algorithm>
#include <variant>

#include "infer/attention.h"
#include "infer/family_fields.h"
#include "infer/quantize.h"

namespace filbert {
namespace {

// 0 where the values are not convolved.
std::size_t kernel_size_of(const Config& config, const FamilyFields& fields) {
  if (fields.is_null("conv_kernel_size")) return 0;
  const std::size_t size = fields.size("conv_kernel_size", 65, 1, kMostConvKernel);
  if (size % 2 == 0) refuse(config, "conv_kernel_size", "an odd number, or null", std::to_string(size));
  return size;
}

std::string weight_name(std::size_t layer) { return layer_root(layer) + "attention.self.conv.weight"; }

}  // namespace

void expect_nystromformer(const Config& config, TensorList& tensors) {
  const FamilyFields fields(config);
  const std::size_t landmarks = fields.size("num_landmarks", 64, 1, kMostOfAField), segments = fields.size("segment_means_seq_len", 64, 1, kMostOfAField);
  if (landmarks != segments) {
    refuse(config, "num_landmarks", "as many as segment_means_seq_len (" + std::to_string(segments) + "), which is full attention",
           std::to_string(landmarks));
  }
  const std::size_t kernel_size = kernel_size_of(config, fields);
  expect_bert(config, tensors);
  for (std::size_t layer = 0; kernel_size > 0 && layer < config.num_hidden_layers; ++layer) {
    tensors.add(weight_name(layer), {config.num_attention_heads, 1, kernel_size, 1});
  }
}

void load_nystromformer(Model& model, const Loop& loop) {
  load_bert(model, loop);
  ValueConvolution convolution{.kernel_size = kernel_size_of(model.config, FamilyFields(model.config)), .weight = {}};
  for (std::size_t layer = 0; convolution.kernel_size > 0 && layer < model.config.num_hidden_layers; ++layer) {
    convolution.weight.push_back(read_f32(model.kernels, model.weights.at(weight_name(layer))));
  }
  model.family = std::move(convolution);
}

// context = softmax(Q · Kᵀ) · V + convolution(V) = (softmax(Q · Kᵀ) + B) · V, where B has the kernel around its diagonal.
void attend_nystromformer(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace) {
  const auto& convolution = std::get<ValueConvolution>(model.family);
  const AttentionShape shape = attention_shape(model.config);
  const std::size_t size = convolution.kernel_size, behind = size / 2;
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), LeaveBlock{}, workspace, [&](const ScoreBlock& block) {
    if (size == 0) return;
    const float* weight = convolution.weight[layer].data() + block.of.head * size;
    for (std::size_t query = 0; query < block.count; ++query) {
      const std::size_t position = block.of.first_position + block.first + query;
      const std::size_t skipped = position < behind ? behind - position : 0;  // of the kernel, before the row begins
      const std::size_t end = std::min(size, block.of.tokens + behind - position);
      float* weights_of_values = block.scores + query * block.of.tokens + (position + skipped - behind);
      for (std::size_t at = skipped; at < end; ++at) weights_of_values[at - skipped] += weight[at];
    }
  });
}

}  // namespace filbert
