#include "infer/bert.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "infer/architecture.h"
#include "infer/quantize.h"
#include "load/config_family.h"

namespace filbert {

void TensorList::linear(const std::string& name, std::size_t out, std::size_t in, bool has_bias) {
  add(name + ".weight", {out, in});
  if (has_bias) add(name + ".bias", {out});
}

void TensorList::layer_norm(const std::string& name, std::size_t size, bool has_bias) {
  add(name + ".weight", {size});
  if (has_bias) add(name + ".bias", {size});
}

void expect_embeddings(const Config& config, TensorList& tensors) {
  const Architecture& row = architecture_of(config);
  const std::size_t width = config.embedding_size;
  tensors.add("embeddings.word_embeddings.weight", {config.vocab_size, width});
  if (has_positions(config)) {
    const bool after_two = config_family(config.model_type).position_ids == PositionIds::after_two;
    tensors.add("embeddings.position_embeddings.weight", {config.max_position_embeddings + (after_two ? kPositionsUnused : 0), width});
  }
  if (has_token_types(config)) tensors.add("embeddings.token_type_embeddings.weight", {config.type_vocab_size, width});
  tensors.layer_norm("embeddings.LayerNorm", width);
  if (has_projection(config)) tensors.linear(std::string(row.projection), config.hidden_size, width);
}

void expect_layer(const Config& config, std::size_t layer, TensorList& tensors) {
  const std::string self = layer_root(layer) + "attention.self.";
  for (const char* name : {"query", "key", "value"}) tensors.linear(self + name, config.hidden_size, config.hidden_size);
  expect_layer_after_attention(config, layer, tensors);
}

void expect_layer_after_attention(const Config& config, std::size_t layer, TensorList& tensors) {
  const std::size_t hidden = config.hidden_size, wide = config.intermediate_size;
  const std::string root = layer_root(layer);
  tensors.linear(root + "attention.output.dense", hidden, hidden);
  tensors.linear(root + "intermediate.dense", wide, hidden);
  tensors.linear(root + "output.dense", hidden, wide);
  tensors.layer_norm(root + "attention.output.LayerNorm", hidden);
  tensors.layer_norm(root + "output.LayerNorm", hidden);
}

void expect_bert(const Config& config, TensorList& tensors) {
  expect_embeddings(config, tensors);
  for (std::size_t layer = 0; layer < num_stored_layers(config); ++layer) expect_layer(config, layer, tensors);
}

LayerNorm load_layer_norm(const Model& model, const std::string& name) {
  std::vector<float> weight = read_f32(model.kernels, model.weights.at(name + ".weight"));
  std::vector<float> bias = read_bias(model.kernels, model.weights, name, weight.size());
  return {std::move(weight), std::move(bias)};
}

Linear load_linear(const Model& model, const Loop& loop, const std::string& name) {
  return load_linear(model.kernels, loop, model.weights, std::array{name});
}

void load_embeddings(Model& model, const Loop& loop) {
  const auto table = [&](bool is_there, const char* name) {
    return is_there ? read_f32(model.kernels, model.weights.at(name)) : std::vector<float>();
  };
  const Config& config = model.config;
  model.embeddings = {.word = &model.weights.at("embeddings.word_embeddings.weight"),
                      .word_scale = table(config.is_quantized, "embeddings.word_embeddings.weight_scale"),
                      .position_ids = config_family(config.model_type).position_ids,
                      .position = table(has_positions(config), "embeddings.position_embeddings.weight"),
                      .token_type = table(has_token_types(config), "embeddings.token_type_embeddings.weight"),
                      .norm = load_layer_norm(model, "embeddings.LayerNorm"),
                      .projection = {}};
  if (has_projection(config)) model.embeddings.projection = load_linear(model, loop, std::string(model.architecture.projection));
}

Smoothing group_smoothing(const Model& model, std::size_t layer, std::string_view name) {
  if (model.dtype != ComputeDtype::int8) return {};
  const std::vector<LinearGroup> groups = model.architecture.linear_groups(model.config, layer);
  const auto group = std::ranges::find(groups, layer_root(layer) + std::string(name), &LinearGroup::name);
  assert(group != groups.end());
  return smoothing_of(model.kernels, model.weights, model.config, *group);
}

Linear load_linears(const Model& model, const Loop& loop, std::size_t layer, std::initializer_list<const char*> names,
                         const Smoothing& smoothing) {
  std::vector<std::string> full;
  for (const char* name : names) full.push_back(layer_root(layer) + name);
  return load_linear(model.kernels, loop, model.weights, full, model.dtype, smoothing);
}

EncoderLayer load_layer_after_attention(const Model& model, const Loop& loop, std::size_t index) {
  const std::string root = layer_root(index);
  const auto linear = [&](const char* name) { return load_linears(model, loop, index, {name}, group_smoothing(model, index, name)); };
  return {.query = {},
          .key_value = {},
          .attention_output = linear("attention.output.dense"),
          .attention_norm = load_layer_norm(model, root + "attention.output.LayerNorm"),
          .intermediate = linear("intermediate.dense"),
          .output = linear("output.dense"),
          .output_norm = load_layer_norm(model, root + "output.LayerNorm")};
}

EncoderLayer load_layer(const Model& model, const Loop& loop, std::size_t index) {
  const Smoothing smoothing = group_smoothing(model, index, "attention.self");
  EncoderLayer layer = load_layer_after_attention(model, loop, index);
  layer.query = load_linears(model, loop, index, {"attention.self.query"}, smoothing);
  layer.key_value = load_linears(model, loop, index, {"attention.self.key", "attention.self.value"}, smoothing);
  return layer;
}

void load_bert(Model& model, const Loop& loop) {
  load_embeddings(model, loop);
  for (std::size_t layer = 0; layer < num_stored_layers(model.config); ++layer) model.layers.push_back(load_layer(model, loop, layer));
}

}  // namespace filbert
