// The tensors of a DeBERTa, and how they become a Model.
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// q_bias, zeros and v_bias in the order of in_proj's rows: [num_attention_heads, 3, head_size].
std::vector<float> in_proj_bias(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& root) {
  const std::size_t head_size = config.head_size();
  const std::vector<float> query = read_f32(kernels, weights.at(root + "q_bias")), value = read_f32(kernels, weights.at(root + "v_bias"));
  std::vector<float> bias(3 * config.hidden_size);
  for (std::size_t head = 0; head < config.num_attention_heads; ++head) {
    std::copy_n(query.data() + head * head_size, head_size, bias.data() + 3 * head * head_size);
    std::copy_n(value.data() + head * head_size, head_size, bias.data() + (3 * head + 2) * head_size);
  }
  return bias;
}

// Each head's rows [part · head_size, (part + 1) · head_size) of in_proj, with their numbers of its bias.
void add_heads(const Config& config, const std::string& in_proj, std::size_t part, std::span<const float> bias, std::vector<LinearPart>& parts) {
  const std::size_t head_size = config.head_size();
  for (std::size_t head = 0; head < config.num_attention_heads; ++head) {
    const std::size_t first = (3 * head + part) * head_size;
    const auto numbers = bias.subspan(first, head_size);
    parts.push_back({in_proj + ".weight", first, head_size, {numbers.begin(), numbers.end()}});
  }
}

EncoderLayer load_v1_layer(const Model& model, const Loop& loop, std::size_t index) {
  EncoderLayer layer = load_layer_after_attention(model, loop, index);
  const Smoothing smoothing = group_smoothing(model, index, "attention.self");
  const std::string in_proj = layer_root(index) + "attention.self.in_proj";
  const std::vector<float> bias = model.config.is_quantized ? read_f32(model.kernels, model.weights.at(in_proj + ".bias"))
                                                            : in_proj_bias(model.kernels, model.weights, model.config, layer_root(index) + "attention.self.");
  std::vector<LinearPart> query, key_value;
  add_heads(model.config, in_proj, 0, bias, query);
  for (const std::size_t part : {1, 2}) add_heads(model.config, in_proj, part, bias, key_value);
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
    const bool is_shared = config.share_att_key && !model.config.is_quantized;
    const auto fill = [&](const char* shared, const char* own, const std::vector<float>& table) {
      const std::string name = root + (is_shared ? shared : own);
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

std::vector<LinearGroup> deberta_groups(const Config& config, std::size_t layer) {
  if (!DebertaConfig::of(config).is_v1) return bert_groups(config, layer);
  const std::string self = layer_root(layer) + "attention.self";
  std::vector<LinearGroup> groups = groups_after_attention(layer);
  groups.insert(groups.begin(), {self, {self + ".in_proj"}, norm_before(config, layer)});
  return groups;
}

std::optional<FloatLinear> read_deberta_linear(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name) {
  constexpr std::string_view kInProj = "in_proj";
  if (!name.ends_with(kInProj)) return std::nullopt;
  return FloatLinear{read_f32(kernels, weights.at(name + ".weight")),
                     in_proj_bias(kernels, weights, config, name.substr(0, name.size() - kInProj.size()))};
}

std::vector<KeptTensor> kept_deberta_tensors(const Config& config) {
  const DebertaConfig deberta = DebertaConfig::of(config);
  std::vector<KeptTensor> kept;
  if (!deberta.share_att_key) return kept;
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string root = layer_root(layer) + "attention.self.";
    for (const char* part : {".weight", ".bias"}) {
      if (deberta.content_to_position) kept.push_back({root + "pos_key_proj" + part, root + "key" + part});
      if (deberta.position_to_content) kept.push_back({root + "pos_query_proj" + part, root + "query" + part});
    }
  }
  return kept;
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
