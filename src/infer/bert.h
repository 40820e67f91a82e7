// The tensors of BERT's embeddings and layers, which most families have under these or other names: what they are expected to be,
// and how they become a Model. A family of another structure takes the parts that it shares.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "infer/model.h"
#include "load/weights.h"

namespace filbert {

// Tensors that a checkpoint is to hold, as they are listed; names are BERT's (architecture.h).
struct TensorList {
  const Config& config;
  std::vector<ExpectedTensor> tensors = {};

  void add(const std::string& name, std::vector<std::size_t> shape) { tensors.push_back({.name = name, .shape = std::move(shape)}); }
  // name.weight [out, in] and name.bias [out]
  void linear(const std::string& name, std::size_t out, std::size_t in, bool has_bias = true);
  void layer_norm(const std::string& name, std::size_t size, bool has_bias = true);
};

void expect_embeddings(const Config& config, TensorList& tensors);
void expect_layer(const Config& config, std::size_t layer, TensorList& tensors);
// The same but for query, key and value.
void expect_layer_after_attention(const Config& config, std::size_t layer, TensorList& tensors);
// Embeddings and all layers.
void expect_bert(const Config& config, TensorList& tensors);

// These two take a bias that is not expected for zeros.
LayerNorm load_layer_norm(const Model& model, const std::string& name);
Linear load_linear(const Model& model, const Loop& loop, const std::string& name);  // in f32
// These linear layers of a layer, side by side, in the model's dtype.
Linear load_linears(const Model& model, const Loop& loop, std::size_t layer, std::initializer_list<const char*> names, const Smoothing& smoothing);
// That of the group of the family's linear_groups() with this name within the layer; none is needed where nothing is in 8 bits.
Smoothing group_smoothing(const Model& model, std::size_t layer, std::string_view name);
void load_embeddings(Model& model, const Loop& loop);
EncoderLayer load_layer(const Model& model, const Loop& loop, std::size_t layer);
// The same but for query and key_value, which are left empty.
EncoderLayer load_layer_after_attention(const Model& model, const Loop& loop, std::size_t layer);
void load_bert(Model& model, const Loop& loop);

}  // namespace filbert
