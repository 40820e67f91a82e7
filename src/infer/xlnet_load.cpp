// XLNet's fields and tensors: what they are expected to be, and how they become a Model.
#include "infer/xlnet.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "infer/family_fields.h"
#include "infer/quantize.h"
#include "infer/xlnet_distances.h"

namespace filbert {
namespace {

// Distances further than this are one; 0: none are.
std::size_t clamp_of(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const auto field = document.root().find("clamp_len");
  const std::int64_t clamp = field ? field->as_int() : -1;
  if (clamp > static_cast<std::int64_t>(kMostOfAField)) field->fail(fmt::format("a number up to {}", kMostOfAField));
  return clamp > 0 ? static_cast<std::size_t>(clamp) : 0;
}

void check_fields(const Config& config) {
  const FamilyFields fields(config);
  if (const std::string type = fields.text("attn_type", "bi"); type != "bi") refuse(config, "attn_type", "bi", type);
  // There each half of a batch counts its positions the other way: an answer would depend on its company.
  if (fields.flag("bi_data", false)) refuse(config, "bi_data", "false", "true");
  if (const std::size_t size = fields.size("d_head", config.head_size(), 1, kMostOfAField); size != config.head_size()) {
    refuse(config, "d_head", fmt::format("d_model / n_head, {}", config.head_size()), fmt::format("{}", size));
  }
  if (config.hidden_size % 2 != 0) refuse(config, "d_model", "an even number", fmt::format("{}", config.hidden_size));
}

constexpr std::string_view kAttention = "rel_attn.";

// The numbers of q, k, v or r, which lie as [in, out], or of o, which lies as [out, in], in the order [out, in].
std::vector<float> read_heads(const KernelTable& kernels, const Weights& weights, const std::string& name) {
  const TensorView& tensor = weights.at(name);
  std::vector<float> numbers = read_f32(kernels, tensor);
  if (name.ends_with(".o")) return numbers;
  const std::size_t in = tensor.shape[0], out = tensor.num_elements() / in;
  std::vector<float> transposed(numbers.size());
  for (std::size_t row = 0; row < in; ++row) {
    for (std::size_t column = 0; column < out; ++column) transposed[column * in + row] = numbers[row * out + column];
  }
  return transposed;
}

// Matrices of the heads, side by side, as one linear layer.
Linear load_heads(const Model& model, const Loop& loop, const std::string& attention, std::initializer_list<const char*> names, const Smoothing& smoothing) {
  if (model.config.is_quantized) {
    std::vector<std::string> linears;
    for (const char* name : names) linears.push_back(attention + name);
    return load_linear(model.kernels, loop, model.weights, linears, model.dtype, smoothing);
  }
  std::vector<float> weight, bias;
  for (const char* name : names) {
    const FloatLinear linear = *read_xlnet_linear(model.kernels, model.weights, model.config, attention + name);
    weight.insert(weight.end(), linear.weight.begin(), linear.weight.end());
    bias.insert(bias.end(), linear.bias.begin(), linear.bias.end());
    model.weights.release(model.weights.at(attention + name));
  }
  Linear linear = pack_linear(model.kernels, loop, weight, bias, model.dtype, smoothing);
  linear.name = attention + *names.begin();
  return linear;
}

std::vector<float> minus(std::vector<float> left, std::span<const float> right) {
  for (std::size_t at = 0; at < left.size(); ++at) left[at] -= right[at];
  return left;
}

// r_w_bias joins the query itself; what the others differ from it goes to where they count.
XlnetLayer load_family_layer(const Model& model, const Loop& loop, const std::string& root) {
  const std::size_t hidden = model.config.hidden_size, size = model.config.head_size();
  const std::vector<float> key_bias = read_f32(model.kernels, model.weights.at(root + "r_w_bias"));
  const std::vector<float> segments = read_f32(model.kernels, model.weights.at(root + "seg_embed"));
  XlnetLayer layer{.distance = load_heads(model, loop, root, {"r"}, {}),
                   .distance_query_bias = minus(read_f32(model.kernels, model.weights.at(root + "r_r_bias")), key_bias),
                   .segment = minus({segments.begin() + static_cast<std::ptrdiff_t>(hidden), segments.end()}, segments),
                   .segment_bias = {},
                   .packed = {},
                   .bias = {}};
  const std::vector<float> segment_query_bias = minus(read_f32(model.kernels, model.weights.at(root + "r_s_bias")), key_bias);
  for (std::size_t first = 0; first < hidden; first += size) {
    float sum = 0;
    for (std::size_t at = first; at < first + size; ++at) sum += segment_query_bias[at] * layer.segment[at];
    layer.segment_bias.push_back(sum);
  }
  return layer;
}

EncoderLayer load_encoder_layer(const Model& model, const Loop& loop, std::size_t index) {
  const std::string root = layer_root(index), attention = root + std::string(kAttention);
  const Smoothing of_attention = group_smoothing(model, index, "rel_attn");
  return {.query = load_heads(model, loop, attention, {"q"}, of_attention),
          .key_value = load_heads(model, loop, attention, {"k", "v"}, of_attention),
          .attention_output = load_heads(model, loop, attention, {"o"}, {}),
          .attention_norm = load_layer_norm(model, attention + "layer_norm"),
          .intermediate = load_linears(model, loop, index, {"ff.layer_1"}, group_smoothing(model, index, "ff.layer_1")),
          .output = load_linears(model, loop, index, {"ff.layer_2"}, {}),
          .output_norm = load_layer_norm(model, root + "ff.layer_norm")};
}

}  // namespace

std::vector<const Linear*> Xlnet::linears() const {
  std::vector<const Linear*> all;
  for (const XlnetLayer& layer : layers) all.push_back(&layer.distance);
  return all;
}

HeadRow xlnet_sequence_head(const Config& config) {
  const FamilyFields fields(config);
  const std::string type = fields.text("summary_type", "last");
  const bool is_last = type == "last" || type == "cls_index";  // nobody says where: the last
  if (!is_last && type != "first" && type != "mean") refuse(config, "summary_type", "last, first, mean or cls_index", type);
  if (!fields.flag("summary_use_proj", true)) refuse(config, "summary_use_proj", "true", "false");
  if (fields.flag("summary_proj_to_labels", false)) refuse(config, "summary_proj_to_labels", "false", "true");
  const std::string activation = fields.is_null("summary_activation") ? "" : fields.text("summary_activation", "tanh");
  return {.dense = "sequence_summary.summary",
          .activation = activation.empty() ? Activation::none : activation_of(config, "summary_activation", activation),
          .out = "logits_proj",
          .keep = is_last ? Keep::last : type == "first" ? Keep::first : Keep::mean};
}

void expect_xlnet(const Config& config, TensorList& tensors) {
  check_fields(config);
  const std::size_t hidden = config.hidden_size, heads = config.num_attention_heads, size = config.head_size();
  tensors.add("embeddings.word_embeddings.weight", {config.vocab_size, hidden});
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string root = layer_root(layer), attention = root + "rel_attn.";
    for (const char* name : {"q", "k", "v", "o", "r"}) tensors.add(attention + name, {hidden, heads, size});
    for (const char* name : {"r_w_bias", "r_r_bias", "r_s_bias"}) tensors.add(attention + name, {heads, size});
    tensors.add(attention + "seg_embed", {2, heads, size});
    tensors.layer_norm(attention + "layer_norm", hidden);
    tensors.linear(root + "ff.layer_1", config.intermediate_size, hidden);
    tensors.linear(root + "ff.layer_2", hidden, config.intermediate_size);
    tensors.layer_norm(root + "ff.layer_norm", hidden);
  }
}

std::vector<LinearGroup> xlnet_groups(const Config&, std::size_t layer) {
  const std::string root = layer_root(layer), attention = root + std::string(kAttention), wide = root + "ff.layer_1", narrow = root + "ff.layer_2";
  const std::optional<std::string> before = layer == 0 ? std::nullopt : std::optional(layer_root(layer - 1) + "ff.layer_norm");
  return {{root + "rel_attn", {attention + "q", attention + "k", attention + "v"}, before},
          {attention + "o", {attention + "o"}, std::nullopt},
          {attention + "r", {attention + "r"}, std::nullopt},
          {wide, {wide}, attention + "layer_norm"},
          {narrow, {narrow}, std::nullopt}};
}

std::optional<FloatLinear> read_xlnet_linear(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name) {
  if (name.find(kAttention) == name.npos) return std::nullopt;
  return FloatLinear{read_heads(kernels, weights, name), name.ends_with(".q") ? read_f32(kernels, weights.at(name.substr(0, name.size() - 1) + "r_w_bias"))
                                                                              : std::vector<float>(config.hidden_size)};
}

void load_xlnet(Model& model, const Loop& loop) {
  const Config& config = model.config;
  model.embeddings.word = &model.weights.at("embeddings.word_embeddings.weight");
  if (config.is_quantized) model.embeddings.word_scale = read_f32(model.kernels, model.weights.at("embeddings.word_embeddings.weight_scale"));
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    model.layers.push_back(load_encoder_layer(model, loop, layer));
  }
  constexpr std::size_t kReach = Xlnet::kReach;
  Xlnet family{.layers = {}, .clamp = clamp_of(config)};
  AlignedFloats table, projected((2 * kReach - 1) * config.hidden_size);
  const float* sinusoids = sinusoids_of(kReach, config.hidden_size, family.clamp, table);
  PreparedRows prepared;
  for (std::size_t index = 0; index < config.num_hidden_layers; ++index) {
    XlnetLayer layer = load_family_layer(model, loop, layer_root(index) + "rel_attn.");
    layer.packed.reserve(packed_distances(model.kernels, config.num_attention_heads, config.head_size(), kReach));
    layer.bias.resize(config.num_attention_heads * (2 * kReach - 1));
    project_distances(model.kernels, loop, layer, config.num_attention_heads, kReach, sinusoids, prepared, projected.data(),
                      layer.packed.data(), layer.bias.data());
    family.layers.push_back(std::move(layer));
  }
  model.family = std::move(family);
}

}  // namespace filbert
