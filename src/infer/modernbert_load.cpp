// ModernBERT's tensors: what they are expected to be, and how they become a Model.
#include "infer/modernbert.h"

#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "infer/modernbert_config.h"
#include "infer/quantize.h"
#include "infer/rotary.h"

namespace filbert {
namespace {

constexpr const char* kAttentionGroup = "attention.self";   // query, key and value in one
constexpr const char* kGated = "intermediate.dense";   // what is activated, and what that is multiplied with

HeadRow head_row(const Config& config, Keep keep) {
  const ModernBertConfig own = modernbert_config(config);
  return {.dense = "head.dense",
          .activation = activation_of(config, "classifier_activation", own.classifier_activation),
          .norm = "head.norm",
          .keep = keep,
          .has_dense_bias = own.classifier_bias,
          .has_norm_bias = own.norm_bias};
}

// Outputs [first, first + rows) of the linear layer of this name.
Linear load_part(const Model& model, const Loop& loop, const std::string& name, std::size_t first, std::size_t rows, const Smoothing& smoothing) {
  const std::vector<float> bias = read_bias(model.kernels, model.weights, name, model.weights.at(name + ".weight").shape[0]);
  const auto begin = bias.begin() + static_cast<std::ptrdiff_t>(first);
  const LinearPart part{name + ".weight", first, rows, {begin, begin + static_cast<std::ptrdiff_t>(rows)}};
  return load_linear(model.kernels, loop, model.weights, std::span(&part, 1), model.dtype, smoothing);
}

void load_modernbert_layer(Model& model, const Loop& loop, std::size_t index, ModernBert& family) {
  const std::size_t hidden = model.config.hidden_size, wide = model.config.intermediate_size;
  const std::string root = layer_root(index), attention = root + kAttentionGroup, gated = root + kGated;
  const auto whole = [&](const char* name) {
    return load_linear(model.kernels, loop, model.weights, std::array{root + name}, model.dtype);
  };
  LayerNorm attention_norm = index == 0 ? LayerNorm{} : load_layer_norm(model, root + "attention.output.LayerNorm");
  LayerNorm mlp_norm = load_layer_norm(model, root + "output.LayerNorm");
  const Smoothing of_attention = group_smoothing(model, index, kAttentionGroup), of_gated = group_smoothing(model, index, kGated);
  model.layers.push_back({.query = load_part(model, loop, attention, 0, hidden, of_attention),
                          .key_value = load_part(model, loop, attention, hidden, 2 * hidden, of_attention),
                          .attention_output = whole("attention.output.dense"),
                          .attention_norm = std::move(attention_norm),
                          .intermediate = load_part(model, loop, gated, 0, wide, of_gated),
                          .output = whole("output.dense"),
                          .output_norm = std::move(mlp_norm)});
  family.gates.push_back(load_part(model, loop, gated, wide, wide, of_gated));
}

}  // namespace

std::vector<const Linear*> ModernBert::linears() const {
  std::vector<const Linear*> all;
  for (const Linear& gate : gates) all.push_back(&gate);
  return all;
}

HeadRow modernbert_sequence_head(const Config& config) {
  return head_row(config, modernbert_config(config).pools_mean ? Keep::mean : Keep::first);
}

HeadRow modernbert_token_head(const Config& config) { return head_row(config, Keep::all); }

std::vector<LinearGroup> modernbert_groups(const Config&, std::size_t layer) {
  const std::string root = layer_root(layer), attention = root + kAttentionGroup, gated = root + kGated;
  std::vector<LinearGroup> groups = {{attention, {attention}, layer == 0 ? "embeddings.LayerNorm" : root + "attention.output.LayerNorm"},
                                     {gated, {gated}, root + "output.LayerNorm"}};
  for (const char* name : {"attention.output.dense", "output.dense"}) groups.push_back({root + name, {root + name}, std::nullopt});
  return groups;
}

void expect_modernbert(const Config& config, TensorList& tensors) {
  const ModernBertConfig own = modernbert_config(config);
  const std::size_t hidden = config.hidden_size, wide = config.intermediate_size;
  tensors.add("embeddings.word_embeddings.weight", {config.vocab_size, hidden});
  tensors.layer_norm("embeddings.LayerNorm", hidden, own.norm_bias);
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string root = layer_root(layer);
    if (layer > 0) tensors.layer_norm(root + "attention.output.LayerNorm", hidden, own.norm_bias);
    tensors.linear(root + kAttentionGroup, 3 * hidden, hidden, own.attention_bias);
    tensors.linear(root + "attention.output.dense", hidden, hidden, own.attention_bias);
    tensors.layer_norm(root + "output.LayerNorm", hidden, own.norm_bias);
    tensors.linear(root + kGated, 2 * wide, hidden, own.mlp_bias);
    tensors.linear(root + "output.dense", hidden, wide, own.mlp_bias);
  }
  tensors.layer_norm("final_norm", hidden, own.norm_bias);
}

void load_modernbert(Model& model, const Loop& loop) {
  ModernBertConfig own = modernbert_config(model.config);
  load_embeddings(model, loop);
  ModernBert family{.gates = {},
                    .final_norm = load_layer_norm(model, "final_norm"),
                    .is_local = std::move(own.is_local),
                    .reach = own.reach,
                    .global_frequencies = rotary_frequencies(own.global_theta, model.config.head_size()),
                    .local_frequencies = rotary_frequencies(own.local_theta, model.config.head_size())};
  for (std::size_t layer = 0; layer < model.config.num_hidden_layers; ++layer) load_modernbert_layer(model, loop, layer, family);
  model.family = std::move(family);
}

}  // namespace filbert
