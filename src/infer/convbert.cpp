#include "infer/convbert.h"

#include <algorithm>
#include <array>
#include <variant>

#include <fmt/format.h>

#include "infer/attention.h"
#include "infer/encoder.h"
#include "infer/family_fields.h"
#include "infer/quantize.h"

namespace filbert {
namespace {

struct ConvBertOptions {
  std::size_t heads;           // that attend
  std::size_t attention_size;  // half of hidden_size
  std::size_t kernel_size;
  std::size_t groups;
};

ConvBertOptions convbert_options(const Config& config) {
  const FamilyFields fields(config);
  const std::size_t ratio = fields.size("head_ratio", 2, 1, kMostOfAField), hidden = config.hidden_size;
  const ConvBertOptions options{.heads = std::max(config.num_attention_heads / ratio, std::size_t{1}),
                        .attention_size = hidden / 2,
                        .kernel_size = fields.size("conv_kernel_size", 9, 1, kMostConvKernel),
                        .groups = fields.size("num_groups", 1, 1, kMostOfAField)};
  if (hidden % (2 * options.heads) != 0) {
    refuse(config, "head_ratio", fmt::format("heads of equal size for attention and convolution, hidden_size being {}", hidden),
           fmt::format("{} ({} of each)", ratio, options.heads));
  }
  if (options.kernel_size % 2 == 0) refuse(config, "conv_kernel_size", "an odd number", std::to_string(options.kernel_size));
  if (hidden % options.groups != 0 || config.intermediate_size % options.groups != 0) {
    refuse(config, "num_groups", fmt::format("a divisor of hidden_size ({}) and intermediate_size ({})", hidden, config.intermediate_size),
           std::to_string(options.groups));
  }
  return options;
}

// A linear layer of the feed-forward network, which in groups is [groups, in / groups, out / groups].
void expect_grouped(const ConvBertOptions& options, const std::string& name, std::size_t out, std::size_t in, TensorList& tensors) {
  if (options.groups == 1) return tensors.linear(name, out, in);
  tensors.add(name + ".weight", {options.groups, in / options.groups, out / options.groups});
  tensors.add(name + ".bias", {out});
}

void expect_layer(const Config& config, const ConvBertOptions& options, std::size_t layer, TensorList& tensors) {
  const std::size_t hidden = config.hidden_size, size = options.attention_size;
  const std::string root = layer_root(layer), self = root + "attention.self.", convolution = self + "key_conv_attn_layer.";
  for (const char* name : {"query", "key", "value", "conv_out_layer"}) tensors.linear(self + name, size, hidden);
  tensors.add(convolution + "depthwise.weight", {hidden, 1, options.kernel_size});
  tensors.add(convolution + "pointwise.weight", {size, hidden, 1});
  tensors.add(convolution + "pointwise.bias", {size, 1});
  tensors.linear(self + "conv_kernel_layer", options.heads * options.kernel_size, size);
  tensors.linear(root + "attention.output.dense", hidden, hidden);
  tensors.layer_norm(root + "attention.output.LayerNorm", hidden);
  expect_grouped(options, root + "intermediate.dense", config.intermediate_size, hidden, tensors);
  expect_grouped(options, root + "output.dense", hidden, config.intermediate_size, tensors);
  tensors.layer_norm(root + "output.LayerNorm", hidden);
}

// Reads the modules of a layer.
struct ConvBertLoader {
  const Model& model;
  const Loop& loop;
  const ConvBertOptions& options;
  std::size_t index;
  std::string root = layer_root(index);

  Linear linear(std::initializer_list<const char*> names, const Smoothing& of_input = {}) const {
    return load_linears(model, loop, index, names, of_input);
  }

  std::vector<Linear> grouped(const char* name, std::size_t out, std::size_t in, const Smoothing& of_input) const {
    std::vector<Linear> linears;
    if (options.groups == 1) {
      linears.push_back(linear({name}, of_input));
      return linears;
    }
    const std::vector<float> bias = read_f32(model.kernels, model.weights.at(root + name + ".bias"));
    const std::size_t group_in = in / options.groups, group_out = out / options.groups;
    std::vector<float> stored(group_in * group_out), weight(group_in * group_out);
    for (std::size_t group = 0; group < options.groups; ++group) {
      read_f32(model.kernels, model.weights.at(root + name + ".weight"), group * stored.size(), stored);
      for (std::size_t at = 0; at < stored.size(); ++at) weight[at % group_out * group_in + at / group_out] = stored[at];
      linears.push_back(pack_linear(model.kernels, loop, weight, std::span(bias).subspan(group * group_out, group_out), model.dtype));
    }
    return linears;
  }

  // BERT's part of it.
  EncoderLayer attention(const Smoothing& of_input) const {
    EncoderLayer layer;
    layer.query = linear({"attention.self.query"}, of_input);
    layer.key_value = linear({"attention.self.key", "attention.self.value"}, of_input);
    layer.attention_output = linear({"attention.output.dense"});
    layer.attention_norm = load_layer_norm(model, root + "attention.output.LayerNorm");
    layer.output_norm = load_layer_norm(model, root + "output.LayerNorm");
    return layer;
  }

  ConvBertLayer rest(const Smoothing& of_input) const {
    const std::size_t hidden = model.config.hidden_size, size = options.kernel_size;
    const std::vector<float> stored = read_f32(model.kernels, model.weights.at(root + "attention.self.key_conv_attn_layer.depthwise.weight"));
    std::vector<float> depthwise(stored.size());
    for (std::size_t at = 0; at < stored.size(); ++at) depthwise[at % size * hidden + at / size] = stored[at];
    const Smoothing of_norm = options.groups == 1 ? group_smoothing(model, index, "intermediate.dense") : Smoothing{};
    return {.depthwise = std::move(depthwise),
            .pointwise = linear({"attention.self.key_conv_attn_layer.pointwise"}),
            .kernel = load_linear(model, loop, root + "attention.self.conv_kernel_layer"),  // small, and goes into a softmax
            .convolved = linear({"attention.self.conv_out_layer"}, of_input),
            .intermediate = grouped("intermediate.dense", model.config.intermediate_size, hidden, of_norm),
            .output = grouped("output.dense", hidden, model.config.intermediate_size, {})};
  }
};

// The tokens that a kernel around `token` covers, which are of its row: [first, end), the first under number `skipped` of the kernel.
struct TokenWindow {
  std::size_t first, end, skipped;
};

// body(at, window) for the tokens that are kept, in order: `at` counts them.
template <typename Body>
void for_windows(const Loop& loop, const Unit& unit, Keep keep, std::size_t kernel_size, const Body& body) {
  const std::size_t reach = kernel_size / 2;
  for_each_row(loop, unit.kept(keep), [&](std::size_t at) {
    std::size_t row = at;
    if (!is_one_token(keep)) {
      const auto next = std::ranges::upper_bound(unit.row_starts, unit.row_starts.front() + at);
      row = static_cast<std::size_t>(next - unit.row_starts.begin()) - 1;
    }
    const std::size_t start = unit.start(row), end = start + unit.length(row);
    const std::size_t token = !is_one_token(keep) ? at : keep == Keep::first ? start : end - 1;
    const std::size_t first = token - std::min(token - start, reach);
    body(at, TokenWindow{first, std::min(token + reach + 1, end), reach - (token - first)});
  });
}

// What the tokens that are kept have around them: [kept, hidden_size].
void convolve_depthwise(const Model& model, const Loop& loop, const ConvBertLayer& layer, const Unit& unit, Keep keep, const float* hidden, float* out) {
  const std::size_t hidden_size = model.config.hidden_size;
  for_windows(loop, unit, keep, std::get<ConvBert>(model.family).kernel_size, [&](std::size_t at, const TokenWindow& window) {
    float* sums = out + at * hidden_size;
    std::fill_n(sums, hidden_size, 0.0f);
    for (std::size_t token = window.first; token < window.end; ++token) {
      const float* weight = layer.depthwise.data() + (window.skipped + token - window.first) * hidden_size;
      const float* x = hidden + token * hidden_size;
      for (std::size_t column = 0; column < hidden_size; ++column) sums[column] += weight[column] * x[column];
    }
  });
}

// The second half of each context that is kept, a head at a time: `values` [tokens, attention_size] around the token, weighed
// by the softmax of its own kernel [heads, kernel_size].
void convolve_values(const Model& model, const Loop& loop, const Unit& unit, Keep keep, const float* values, float* kernels, float* context) {
  const auto& family = std::get<ConvBert>(model.family);
  const std::size_t size = family.attention_size, head_size = size / family.heads;
  for_windows(loop, unit, keep, family.kernel_size, [&](std::size_t at, const TokenWindow& window) {
    float* sums = context + at * model.config.hidden_size + size;
    std::fill_n(sums, size, 0.0f);
    for (std::size_t head = 0; head < family.heads; ++head) {
      float* kernel = kernels + (at * family.heads + head) * family.kernel_size;
      model.kernels.softmax(kernel, family.kernel_size, 1.0f);
      for (std::size_t token = window.first; token < window.end; ++token) {
        const float weight = kernel[window.skipped + token - window.first];
        const float* value = values + token * size + head * head_size;
        for (std::size_t column = 0; column < head_size; ++column) sums[head * head_size + column] += weight * value[column];
      }
    }
  });
}

// A linear layer in groups: y [rows, out] of x.
void apply_grouped(const Model& model, const Loop& loop, const std::vector<Linear>& groups, Activation activation, const Rows& x,
                   Workspace& workspace, float* y) {
  const std::size_t out = groups.front().out * groups.size();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const Rows of_group{x.x + group * groups[group].in, x.stride, x.rows};
    apply(model.kernels, loop, groups[group], activation, of_group, workspace.prepared, y + group * groups[group].out, out);
  }
}

// workspace.context [kept, hidden_size] of a layer, and before that what is kept of workspace.hidden.
void make_context(const Model& model, const Loop& loop, std::size_t index, const Unit& unit, Keep keep, Workspace& workspace) {
  const KernelTable& kernels = model.kernels;
  const auto& family = std::get<ConvBert>(model.family);
  const EncoderLayer& layer = model.layers[index];
  const ConvBertLayer& own = family.layers[index];
  const std::size_t hidden_size = model.config.hidden_size, size = family.attention_size;
  auto& [values, keys, own_kernels] = workspace.family;  // [tokens, attention_size] twice, [kept, heads · kernel_size]
  float* hidden = workspace.hidden.data();
  float* around = workspace.projected.data();
  float* query = workspace.query.data();
  PreparedRows& prepared = workspace.prepared;

  const Rows all{hidden, hidden_size, unit.tokens()};
  prepare(kernels, loop, layer.key_value, all, prepared);
  multiply(kernels, loop, layer.key_value, Activation::none, all, prepared, workspace.key_value.data());
  multiply(kernels, loop, own.convolved, Activation::none, all, prepared, values.data());
  convolve_depthwise(model, loop, own, unit, keep, hidden, around);
  const std::size_t rows = keep_tokens(unit, keep, hidden_size, hidden);
  const Rows kept{hidden, hidden_size, rows};
  if (is_one_token(keep)) prepare(kernels, loop, layer.query, kept, prepared);  // else it is that of the keys
  multiply(kernels, loop, layer.query, Activation::none, kept, prepared, query);

  apply(kernels, loop, own.pointwise, Activation::none, {around, hidden_size, rows}, prepared, keys.data());
  for (std::size_t at = 0; at < rows * size; ++at) keys.data()[at] *= query[at];
  apply(kernels, loop, own.kernel, Activation::none, {keys.data(), size, rows}, prepared, own_kernels.data());
  convolve_values(model, loop, unit, keep, values.data(), own_kernels.data(), workspace.context.data());

  const AttentionShape shape{family.heads, size / family.heads, size, 2 * size, hidden_size};
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), LeaveBlock{}, workspace);
}

void run_convbert_layer(const Model& model, const Loop& loop, std::size_t index, const Unit& unit, Keep keep, Workspace& workspace) {
  const EncoderLayer& layer = model.layers[index];
  const ConvBertLayer& own = std::get<ConvBert>(model.family).layers[index];
  const std::size_t hidden_size = model.config.hidden_size;
  const std::size_t rows = unit.kept(keep);
  float* hidden = workspace.hidden.data();
  float* projected = workspace.projected.data();
  float* intermediate = workspace.intermediate.data();
  make_context(model, loop, index, unit, keep, workspace);
  apply(model.kernels, loop, layer.attention_output, Activation::none, {workspace.context.data(), hidden_size, rows}, workspace.prepared, projected);
  add_and_norm(model, loop, layer.attention_norm, rows, projected, hidden);
  apply_grouped(model, loop, own.intermediate, model.activation, {hidden, hidden_size, rows}, workspace, intermediate);
  apply_grouped(model, loop, own.output, Activation::none, {intermediate, model.config.intermediate_size, rows}, workspace, projected);
  add_and_norm(model, loop, layer.output_norm, rows, projected, hidden);
}

}  // namespace

std::vector<const Linear*> ConvBert::linears() const {
  std::vector<const Linear*> linears;
  for (const ConvBertLayer& layer : layers) {
    linears.insert(linears.end(), {&layer.pointwise, &layer.kernel, &layer.convolved});
    for (const auto* groups : {&layer.intermediate, &layer.output}) {
      for (const Linear& linear : *groups) linears.push_back(&linear);
    }
  }
  return linears;
}

void expect_convbert(const Config& config, TensorList& tensors) {
  const ConvBertOptions options = convbert_options(config);
  expect_embeddings(config, tensors);
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) expect_layer(config, options, layer, tensors);
}

// Linear layers in groups stay as they are: their numbers lie in another order.
std::vector<LinearGroup> convbert_groups(const Config& config, std::size_t layer) {
  const std::string self = layer_root(layer) + "attention.self", pointwise = self + ".key_conv_attn_layer.pointwise";
  std::vector<LinearGroup> groups = groups_after_attention(layer);
  if (convbert_options(config).groups > 1) groups.resize(1);
  groups.insert(groups.begin(), {{self, {self + ".query", self + ".key", self + ".value", self + ".conv_out_layer"}, norm_before(config, layer)},
                                 {pointwise, {pointwise}, std::nullopt}});
  return groups;
}

void load_convbert(Model& model, const Loop& loop) {
  const ConvBertOptions options = convbert_options(model.config);
  load_embeddings(model, loop);
  ConvBert family{.heads = options.heads, .attention_size = options.attention_size, .kernel_size = options.kernel_size, .layers = {}};
  for (std::size_t layer = 0; layer < model.config.num_hidden_layers; ++layer) {
    const ConvBertLoader loader{model, loop, options, layer};
    const Smoothing of_input = group_smoothing(model, layer, "attention.self");
    model.layers.push_back(loader.attention(of_input));
    family.layers.push_back(loader.rest(of_input));
  }
  model.family = std::move(family);
}

void encode_convbert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  const auto& family = std::get<ConvBert>(model.family);
  const std::size_t tokens = unit.tokens(), hidden_size = model.config.hidden_size, size = family.attention_size;
  for (AlignedFloats* numbers : {&workspace.query, &workspace.family[0], &workspace.family[1]}) numbers->reserve(tokens * size);
  for (AlignedFloats* numbers : {&workspace.context, &workspace.projected}) numbers->reserve(tokens * hidden_size);
  workspace.key_value.reserve(tokens * 2 * size);
  workspace.family[2].reserve(tokens * family.heads * family.kernel_size);
  workspace.intermediate.reserve(tokens * model.config.intermediate_size);
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    record_layer(model, layer, unit, workspace);
    run_convbert_layer(model, loop, layer, unit, keep_of_layer(model, layer, model.layers.size(), workspace), workspace);
  }
  finish_layers(model, model.layers.size(), unit, workspace);
}

}  // namespace filbert
