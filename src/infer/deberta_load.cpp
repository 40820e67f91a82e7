// The tensors of a DeBERTa, and how they become a Model.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "infer/attention.h"
#include "infer/deberta.h"
#include "infer/deberta_config.h"
#include "infer/quantize.h"

namespace filbert {
namespace {

constexpr std::size_t kLongestRow = std::size_t{1} << 20;  // tokens; scores of more would not fit a memory

// v1 has queries, keys and values in one matrix, head by head, and no bias for keys.
void expect_v1_layer(const Config& config, std::size_t layer, TensorList& tensors) {
  const std::size_t hidden = config.hidden_size;
  const std::string root = layer_root(layer);
  tensors.add(root + "attention.self.in_proj.weight", {3 * hidden, hidden});
  tensors.add(root + "attention.self.q_bias", {hidden});
  tensors.add(root + "attention.self.v_bias", {hidden});
  expect_layer_after_attention(config, layer, tensors);
}

// Each head's rows [part · head_size, (part + 1) · head_size) of in_proj, with its numbers of a bias, if there is one.
void add_heads(const Model& model, std::size_t layer, std::size_t part, const char* bias_name, std::vector<LinearPart>& parts) {
  const std::size_t head_size = model.config.head_size();
  const std::string root = layer_root(layer) + "attention.self.";
  std::vector<float> bias;
  if (bias_name != nullptr) bias = read_f32(model.kernels, model.weights.at(root + bias_name));
  for (std::size_t head = 0; head < model.config.num_attention_heads; ++head) {
    parts.push_back({root + "in_proj.weight", (3 * head + part) * head_size, head_size});
    if (bias_name == nullptr) continue;
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(head * head_size);
    parts.back().bias.assign(first, first + static_cast<std::ptrdiff_t>(head_size));
  }
}

EncoderLayer load_v1_layer(const Model& model, const Loop& loop, std::size_t index) {
  EncoderLayer layer = load_layer_after_attention(model, loop, index);
  Smoothing smoothing;
  if (model.dtype == ComputeDtype::int8) {
    smoothing = smoothing_of(model.kernels, model.weights, model.config, index, {"attention.self", {"attention.self.in_proj"}, true});
  }
  std::vector<LinearPart> query, key_value;
  add_heads(model, index, 0, "q_bias", query);
  add_heads(model, index, 1, nullptr, key_value);
  add_heads(model, index, 2, "v_bias", key_value);
  layer.query = load_linear(model.kernels, loop, model.weights, query, model.dtype, smoothing);
  layer.key_value = load_linear(model.kernels, loop, model.weights, key_value, model.dtype, smoothing);
  return layer;
}

// encoder.rel_embeddings, [vectors, hidden_size], normalised where the family does so.
std::vector<float> load_rel_embeddings(const Model& model, const DebertaConfig& deberta) {
  std::vector<float> table = read_f32(model.kernels, model.weights.at("encoder.rel_embeddings.weight"));
  if (!deberta.norm_rel_ebd) return table;
  const LayerNorm norm = load_layer_norm(model, "encoder.LayerNorm");
  const std::size_t hidden = model.config.hidden_size;
  for (float* row = table.data(); row != table.data() + table.size(); row += hidden) {
    model.kernels.layer_norm(row, nullptr, norm.weight.data(), norm.bias.data(), static_cast<float>(model.config.layer_norm_eps), hidden, row);
  }
  return table;
}

void reverse_rows(std::size_t columns, std::vector<float>& table) {
  for (std::size_t low = 0, high = table.size() / columns; low + 1 < high; ++low) {
    --high;
    std::swap_ranges(table.data() + low * columns, table.data() + (low + 1) * columns, table.data() + high * columns);
  }
}

// rel_embeddings through `linear`, packed for each head by itself.
DistanceVectors project(const Model& model, const Loop& loop, const Linear& linear, const std::vector<float>& rel_embeddings) {
  const std::size_t hidden = model.config.hidden_size, head_size = model.config.head_size();
  DistanceVectors vectors;
  vectors.count = rel_embeddings.size() / hidden;
  vectors.head_floats = packed_size(model.kernels, head_size, vectors.count);
  vectors.packed.reserve(model.config.num_attention_heads * vectors.head_floats);
  std::vector<float> projected(rel_embeddings.size());
  PreparedRows prepared;
  apply(model.kernels, loop, linear, Activation::none, {rel_embeddings.data(), hidden, vectors.count}, prepared, projected.data());
  loop(model.config.num_attention_heads, [&](std::size_t head, unsigned) {
    model.kernels.pack_transposed(projected.data() + head * head_size, vectors.count, head_size, hidden,
                                  vectors.packed.data() + head * vectors.head_floats);
  });
  return vectors;
}

void load_distances(const Model& model, const Loop& loop, const DebertaConfig& config, Deberta& deberta) {
  if (!config.content_to_position && !config.position_to_content) return;
  const std::size_t hidden = model.config.hidden_size;
  deberta.by_key = number_distances(config, model.config.max_tokens, true);
  deberta.by_query = number_distances(config, model.config.max_tokens, false);
  const std::vector<float> rising = load_rel_embeddings(model, config);  // with query − key
  std::vector<float> falling = rising;
  reverse_rows(hidden, falling);
  for (std::size_t layer = 0; layer < model.config.num_hidden_layers; ++layer) {
    const std::string root = layer_root(layer) + "attention.self.";
    const auto fill = [&](const char* shared, const char* own, const std::vector<float>& table) {
      const std::string name = root + (config.share_att_key ? shared : own);
      const bool has_bias = !config.is_v1 || own == std::string_view("pos_query_proj");
      LinearPart part{name + ".weight", 0, hidden};
      if (has_bias) part.bias = read_f32(model.kernels, model.weights.at(name + ".bias"));
      return project(model, loop, load_linear(model.kernels, loop, model.weights, std::span(&part, 1)), table);
    };
    Deberta::Layer& vectors = deberta.layers.emplace_back();
    if (config.content_to_position) vectors.key = fill("key", "pos_key_proj", falling);
    if (config.position_to_content) vectors.query = fill("query", "pos_query_proj", rising);
  }
}

// A convolution as a linear layer of kernel_size tokens side by side. Its weight in the file is [out, in of a group, kernel_size].
Convolution load_convolution(const Model& model, const Loop& loop, const DebertaConfig& config) {
  const std::size_t hidden = model.config.hidden_size, kernel_size = config.conv_kernel_size, width = hidden / config.conv_groups;
  const std::vector<float> weight = read_f32(model.kernels, model.weights.at("encoder.conv.conv.weight"));
  std::vector<float> rows(hidden * kernel_size * hidden);  // zeros from one group to another
  for (std::size_t out = 0; out < hidden; ++out) {
    const std::size_t first = out / width * width;  // input of its group
    for (std::size_t in = 0; in < width; ++in) {
      const float* from = weight.data() + (out * width + in) * kernel_size;
      for (std::size_t at = 0; at < kernel_size; ++at) rows[(out * kernel_size + at) * hidden + first + in] = from[at];
    }
  }
  return {.linear = pack_linear(model.kernels, loop, rows, read_f32(model.kernels, model.weights.at("encoder.conv.conv.bias"))),
          .kernel_size = kernel_size,
          .activation = config.conv_act,
          .norm = load_layer_norm(model, "encoder.conv.LayerNorm")};
}

}  // namespace

DistanceNumbers number_distances(const DebertaConfig& deberta, std::optional<std::size_t> max_tokens, bool by_key) {
  const auto last = static_cast<std::int32_t>(deberta.num_vectors() - 1);
  const auto index = [&](std::ptrdiff_t distance) {  // those by key are in reverse order, so that they rise
    return by_key ? last - static_cast<std::int32_t>(deberta.row_of(-distance)) : static_cast<std::int32_t>(deberta.row_of(distance));
  };
  DistanceNumbers numbers;
  const auto longest = static_cast<std::ptrdiff_t>(std::min(max_tokens.value_or(kLongestRow), kLongestRow));
  while (numbers.reach < longest && (index(-numbers.reach) > 0 || index(numbers.reach) < last)) ++numbers.reach;
  for (std::ptrdiff_t distance = -numbers.reach; distance <= numbers.reach; ++distance) numbers.index.push_back(index(distance));
  const auto is_even = [&](std::ptrdiff_t distance) { return index(distance) == index(0) + distance && index(-distance) == index(0) - distance; };
  while (numbers.even < numbers.reach && is_even(numbers.even + 1)) ++numbers.even;
  return numbers;
}

void expect_deberta(const Config& config, TensorList& tensors) {
  const DebertaConfig deberta = DebertaConfig::of(config);
  const std::size_t hidden = config.hidden_size;
  expect_embeddings(config, tensors);
  if (deberta.relative_attention) tensors.add("encoder.rel_embeddings.weight", {deberta.num_vectors(), hidden});
  if (deberta.norm_rel_ebd) tensors.layer_norm("encoder.LayerNorm", hidden);
  if (deberta.conv_kernel_size > 0) {
    tensors.add("encoder.conv.conv.weight", {hidden, hidden / deberta.conv_groups, deberta.conv_kernel_size});
    tensors.add("encoder.conv.conv.bias", {hidden});
    tensors.layer_norm("encoder.conv.LayerNorm", hidden);
  }
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    deberta.is_v1 ? expect_v1_layer(config, layer, tensors) : expect_layer(config, layer, tensors);
    if (deberta.share_att_key) continue;
    const std::string root = layer_root(layer) + "attention.self.";
    if (deberta.content_to_position) {
      tensors.add(root + "pos_key_proj.weight", {hidden, hidden});
      if (!deberta.is_v1) tensors.add(root + "pos_key_proj.bias", {hidden});
    }
    if (deberta.position_to_content) tensors.linear(root + "pos_query_proj", hidden, hidden);
  }
}

void load_deberta(Model& model, const Loop& loop) {
  const DebertaConfig config = DebertaConfig::of(model.config);
  Deberta deberta;
  deberta.scale = attention_scale(model.config.head_size() * config.scale_factor);
  load_embeddings(model, loop);
  load_distances(model, loop, config, deberta);
  if (config.conv_kernel_size > 0) deberta.convolution = load_convolution(model, loop, config);
  for (std::size_t layer = 0; layer < model.config.num_hidden_layers; ++layer) {
    model.layers.push_back(config.is_v1 ? load_v1_layer(model, loop, layer) : load_layer(model, loop, layer));
  }
  model.family = std::move(deberta);
}

}  // namespace filbert
