#include "infer/mobilebert.h"

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

constexpr std::size_t kMaxNetworks = 100;     // of a layer
constexpr float kDefaultEpsilon = 1e-5f;      // torch's, which two of the LayerNorms have whatever layer_norm_eps says

struct MobileBertOptions {
  bool trigram_input;
  bool use_bottleneck;
  bool use_bottleneck_attention;
  bool key_query_shared_bottleneck;
  std::size_t num_feedforward_networks;
  bool has_layer_norm;
  std::size_t narrow;                         // true_hidden_size: that of a layer's inside
  std::size_t embedding_width;                // of what embedding_transformation takes

  bool has_attention_bottleneck() const { return use_bottleneck && key_query_shared_bottleneck; }  // in the file, be it used or not
};

MobileBertOptions mobilebert_options(const Config& config) {
  const FamilyFields fields(config);
  const bool use_bottleneck = fields.flag("use_bottleneck", true), trigram_input = fields.flag("trigram_input", true);
  const std::string norm = fields.text("normalization_type", "no_norm");
  if (norm != "no_norm" && norm != "layer_norm") refuse(config, "normalization_type", "no_norm or layer_norm", norm);
  const std::size_t bottleneck = fields.size("intra_bottleneck_size", 128, 1, std::size_t{1} << 31);
  const MobileBertOptions options{.trigram_input = trigram_input,
                        .use_bottleneck = use_bottleneck,
                        .use_bottleneck_attention = fields.flag("use_bottleneck_attention", false),
                        .key_query_shared_bottleneck = fields.flag("key_query_shared_bottleneck", true),
                        .num_feedforward_networks = fields.size("num_feedforward_networks", 4, 1, kMaxNetworks),
                        .has_layer_norm = norm == "layer_norm",
                        .narrow = use_bottleneck ? bottleneck : config.hidden_size,
                        .embedding_width = config.embedding_size * (trigram_input ? 3 : 1)};
  if (options.narrow % config.num_attention_heads != 0) {
    refuse(config, "intra_bottleneck_size", fmt::format("a multiple of num_attention_heads ({})", config.num_attention_heads),
           std::to_string(options.narrow));
  }
  if (const std::size_t stated = fields.size("true_hidden_size", options.narrow, 1, std::size_t{1} << 31); stated != options.narrow) {
    refuse(config, "true_hidden_size", fmt::format("{}, the size inside a layer", options.narrow), std::to_string(stated));
  }
  if (use_bottleneck && !options.use_bottleneck_attention && !options.key_query_shared_bottleneck && options.narrow != config.hidden_size) {
    refuse(config, "key_query_shared_bottleneck", "true where use_bottleneck_attention is false", "false");
  }
  return options;
}

// The feed-forward networks of a layer, in the order in which they run: the last is the one that BERT has.
std::string network_root(std::size_t layer, std::size_t network, std::size_t networks) {
  return layer_root(layer) + (network + 1 == networks ? "" : fmt::format("ffn.{}.", network));
}

void expect_dense_and_norm(TensorList& tensors, const std::string& root, std::size_t out, std::size_t in) {
  tensors.linear(root + ".dense", out, in);
  tensors.layer_norm(root + ".LayerNorm", out);
}

void expect_layer(const Config& config, const MobileBertOptions& options, std::size_t layer, TensorList& tensors) {
  const std::size_t hidden = config.hidden_size, narrow = options.narrow, networks = options.num_feedforward_networks;
  const std::string root = layer_root(layer);
  if (options.use_bottleneck) expect_dense_and_norm(tensors, root + "bottleneck.input", narrow, hidden);
  if (options.has_attention_bottleneck()) expect_dense_and_norm(tensors, root + "bottleneck.attention", narrow, hidden);
  tensors.linear(root + "attention.self.query", narrow, narrow);
  tensors.linear(root + "attention.self.key", narrow, narrow);
  tensors.linear(root + "attention.self.value", narrow, options.use_bottleneck_attention ? narrow : hidden);
  expect_dense_and_norm(tensors, root + "attention.output", narrow, narrow);
  for (std::size_t network = 0; network < networks; ++network) {
    const std::string of_network = network_root(layer, network, networks);
    tensors.linear(of_network + "intermediate.dense", config.intermediate_size, narrow);
    expect_dense_and_norm(tensors, of_network + "output", narrow, config.intermediate_size);
  }
  if (options.use_bottleneck) expect_dense_and_norm(tensors, root + "output.bottleneck", hidden, narrow);
}

// Reads the modules of a layer.
struct MobileBertLoader {
  const Model& model;
  const Loop& loop;
  const MobileBertOptions& options;

  Linear linear(const std::string& name) const { return load_linear(model.kernels, loop, model.weights, std::array{name}, model.dtype); }
  MobileBertNorm norm(const std::string& name, float epsilon) const {
    return {load_layer_norm(model, name), options.has_layer_norm ? std::optional<float>(epsilon) : std::nullopt};
  }
  MobileBertStep step(const std::string& root, float epsilon) const { return {linear(root + ".dense"), norm(root + ".LayerNorm", epsilon)}; }

  MobileBertLayer layer(std::size_t index) const {
    const std::string root = layer_root(index);
    const auto epsilon = static_cast<float>(model.config.layer_norm_eps);
    MobileBertLayer layer{.input = {},
                          .attention_input = {},
                          .query = linear(root + "attention.self.query"),
                          .key = linear(root + "attention.self.key"),
                          .value = linear(root + "attention.self.value"),
                          .attention_output = step(root + "attention.output", epsilon),
                          .networks = {},
                          .output = {}};
    if (options.use_bottleneck) layer.input = step(root + "bottleneck.input", epsilon);
    if (options.has_attention_bottleneck() && !options.use_bottleneck_attention) layer.attention_input = step(root + "bottleneck.attention", epsilon);
    for (std::size_t network = 0; network < options.num_feedforward_networks; ++network) {
      const std::string of_network = network_root(index, network, options.num_feedforward_networks);
      const bool is_last = network + 1 == options.num_feedforward_networks;
      layer.networks.push_back({linear(of_network + "intermediate.dense"), step(of_network + "output", is_last ? kDefaultEpsilon : epsilon)});
    }
    if (options.use_bottleneck) layer.output = step(root + "output.bottleneck", epsilon);
    return layer;
  }
};

// out = norm(x + residual), for each of `rows` rows; residual may be null, out may be either.
void normalise(const Model& model, const Loop& loop, const MobileBertNorm& norm, std::size_t rows, const float* x, const float* residual,
               float* out) {
  const float* weight = norm.parameters.weight.data();
  const float* bias = norm.parameters.bias.data();
  const std::size_t width = norm.parameters.weight.size();
  for_each_row(loop, rows, [&](std::size_t row) {
    const float* from = x + row * width;
    const float* add = residual == nullptr ? nullptr : residual + row * width;
    float* to = out + row * width;
    if (norm.epsilon) {
      model.kernels.layer_norm(from, add, weight, bias, *norm.epsilon, width, to);
    } else if (add == nullptr) {
      for (std::size_t at = 0; at < width; ++at) to[at] = from[at] * weight[at] + bias[at];
    } else {
      for (std::size_t at = 0; at < width; ++at) to[at] = (from[at] + add[at]) * weight[at] + bias[at];
    }
  });
}

// out = norm(dense(x) + residual)
void take_step(const Model& model, const Loop& loop, const MobileBertStep& step, const Rows& x, const float* residual, Workspace& workspace,
               float* out) {
  float* projected = workspace.projected.data();
  apply(model.kernels, loop, step.dense, Activation::none, x, workspace.prepared, projected);
  normalise(model, loop, step.norm, x.rows, projected, residual, out);
}

// workspace.context of a layer, [tokens that are kept, narrow], and before that what is kept of workspace.hidden. Returns what is added
// to the context's projection, which is the layer's narrow side from then on.
float* attend_layer(const Model& model, const Loop& loop, const MobileBertLayer& layer, const Unit& unit, Keep keep, Workspace& workspace) {
  const KernelTable& kernels = model.kernels;
  const auto& family = std::get<MobileBert>(model.family);
  const bool of_bottleneck = family.use_bottleneck_attention;  // values as well
  const std::size_t hidden_size = model.config.hidden_size, narrow = family.narrow;
  float* hidden = workspace.hidden.data();
  float* queried = hidden;                             // what queries and keys are made of
  float* inside = layer.input ? workspace.family[0].data() : hidden;
  const Rows all{hidden, hidden_size, unit.tokens()};
  if (layer.attention_input) take_step(model, loop, *layer.attention_input, all, nullptr, workspace, queried = workspace.family[1].data());
  if (of_bottleneck && layer.input) take_step(model, loop, *layer.input, all, nullptr, workspace, queried = inside);

  const Rows queried_rows{queried, narrow, unit.tokens()};
  float* key = workspace.key_value.data();
  apply(kernels, loop, layer.key, Activation::none, queried_rows, workspace.prepared, key, 2 * narrow);
  apply(kernels, loop, layer.value, Activation::none, of_bottleneck ? queried_rows : all, workspace.prepared, key + narrow, 2 * narrow);
  const std::size_t rows = keep_tokens(unit, keep, hidden_size, hidden);
  if (queried != hidden) keep_tokens(unit, keep, narrow, queried);
  apply(kernels, loop, layer.query, Activation::none, {queried, narrow, rows}, workspace.prepared, workspace.query.data());
  if (layer.input && queried != inside) take_step(model, loop, *layer.input, {hidden, hidden_size, rows}, nullptr, workspace, inside);

  const std::size_t heads = model.config.num_attention_heads;
  const AttentionShape shape{heads, narrow / heads, narrow, 2 * narrow, narrow};
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), LeaveBlock{}, workspace);
  return inside;
}

void run_layer(const Model& model, const Loop& loop, const MobileBertLayer& layer, const Unit& unit, Keep keep, Workspace& workspace) {
  const std::size_t narrow = std::get<MobileBert>(model.family).narrow;
  float* inside = attend_layer(model, loop, layer, unit, keep, workspace);
  const std::size_t rows = unit.kept(keep);
  take_step(model, loop, layer.attention_output, {workspace.context.data(), narrow, rows}, inside, workspace, inside);
  for (const MobileBertNetwork& network : layer.networks) {
    float* intermediate = workspace.intermediate.data();
    apply(model.kernels, loop, network.intermediate, model.activation, {inside, narrow, rows}, workspace.prepared, intermediate);
    take_step(model, loop, network.output, {intermediate, model.config.intermediate_size, rows}, inside, workspace, inside);
  }
  float* hidden = workspace.hidden.data();
  if (layer.output) take_step(model, loop, *layer.output, {inside, narrow, rows}, hidden, workspace, hidden);
}

}  // namespace

std::vector<const Linear*> MobileBert::linears() const {
  std::vector<const Linear*> linears;
  for (const MobileBertLayer& layer : layers) {
    linears.insert(linears.end(), {&layer.query, &layer.key, &layer.value, &layer.attention_output.dense});
    for (const auto* step : {&layer.input, &layer.attention_input, &layer.output}) {
      if (*step) linears.push_back(&(*step)->dense);
    }
    for (const MobileBertNetwork& network : layer.networks) linears.insert(linears.end(), {&network.intermediate, &network.output.dense});
  }
  return linears;
}

HeadRow mobilebert_head(const Config& config) {
  if (!FamilyFields(config).flag("classifier_activation", true)) return {};
  return {.dense = "pooler.dense", .activation = Activation::tanh};
}

void expect_mobilebert(const Config& config, TensorList& tensors) {
  const MobileBertOptions options = mobilebert_options(config);
  const std::size_t hidden = config.hidden_size;
  tensors.add("embeddings.word_embeddings.weight", {config.vocab_size, config.embedding_size});
  tensors.add("embeddings.position_embeddings.weight", {config.max_position_embeddings, hidden});
  tensors.add("embeddings.token_type_embeddings.weight", {config.type_vocab_size, hidden});
  tensors.linear("embeddings.embedding_transformation", hidden, options.embedding_width);
  tensors.layer_norm("embeddings.LayerNorm", hidden);
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) expect_layer(config, options, layer, tensors);
}

// Each by itself, and not smoothed.
std::vector<LinearGroup> mobilebert_groups(const Config& config, std::size_t layer) {
  const MobileBertOptions options = mobilebert_options(config);
  const std::string root = layer_root(layer);
  std::vector<LinearGroup> groups;
  const auto add = [&](const std::string& name) { groups.push_back({name, {name}, std::nullopt}); };
  for (const char* name : {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"}) add(root + name);
  for (std::size_t network = 0; network < options.num_feedforward_networks; ++network) {
    const std::string of_network = network_root(layer, network, options.num_feedforward_networks);
    for (const char* name : {"intermediate.dense", "output.dense"}) add(of_network + name);
  }
  if (options.use_bottleneck) {
    for (const char* name : {"bottleneck.input.dense", "output.bottleneck.dense"}) add(root + name);
  }
  if (options.has_attention_bottleneck()) add(root + "bottleneck.attention.dense");
  return groups;
}

void load_mobilebert(Model& model, const Loop& loop) {
  const MobileBertOptions options = mobilebert_options(model.config);
  load_embeddings(model, loop);
  if (options.trigram_input || model.config.embedding_size != model.config.hidden_size) {
    model.embeddings.projection = load_linear(model, loop, "embeddings.embedding_transformation");
  }
  const MobileBertLoader loader{model, loop, options};
  MobileBert family{.use_bottleneck_attention = options.use_bottleneck_attention, .narrow = options.narrow,
                    .embedding_norm = loader.norm("embeddings.LayerNorm", kDefaultEpsilon), .layers = {}};
  for (std::size_t layer = 0; layer < model.config.num_hidden_layers; ++layer) family.layers.push_back(loader.layer(layer));
  model.family = std::move(family);
}

void embed_mobilebert(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace) {
  const Config& config = model.config;
  const Embeddings& table = model.embeddings;
  const std::size_t width = config.embedding_size, hidden_size = config.hidden_size;
  const std::size_t wide = table.projection ? table.projection->in : width;
  const bool has_neighbours = wide != width;
  workspace.hidden.reserve(unit.tokens() * hidden_size);
  workspace.projected.reserve(unit.tokens() * std::max(wide, hidden_size));
  float* words = table.projection ? workspace.projected.data() : workspace.hidden.data();  // with neighbours: the next, the word itself, the one before
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    const std::size_t first = unit.start(row), end = first + unit.length(row);
    for (std::size_t token = first; token < end; ++token) {
      float* word = words + token * wide + (has_neighbours ? width : 0);
      read_word(model, static_cast<std::size_t>(inputs.input_ids[unit.row_starts.front() + token]), {word, width});
      if (!has_neighbours) continue;
      if (token == first) std::fill_n(word + width, width, 0.0f);
      if (token + 1 == end) std::fill_n(word - width, width, 0.0f);
      if (token > first) std::copy_n(word, width, words + (token - 1) * wide);
      if (token + 1 < end) std::copy_n(word, width, words + (token + 1) * wide + 2 * width);
    }
  });
  float* hidden = workspace.hidden.data();
  if (table.projection) apply(model.kernels, loop, *table.projection, Activation::none, {words, wide, unit.tokens()}, workspace.prepared, hidden);
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    for (std::size_t at = 0; at < unit.length(row); ++at) {
      const std::size_t token = unit.start(row) + at;
      const auto type = static_cast<std::size_t>(inputs.token_type_ids[unit.row_starts.front() + token]);
      model.kernels.add(table.position.data() + at * hidden_size, hidden_size, hidden + token * hidden_size);
      model.kernels.add(table.token_type.data() + type * hidden_size, hidden_size, hidden + token * hidden_size);
    }
  });
  normalise(model, loop, std::get<MobileBert>(model.family).embedding_norm, unit.tokens(), hidden, nullptr, hidden);
}

void encode_mobilebert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  const auto& family = std::get<MobileBert>(model.family);
  const std::size_t tokens = unit.tokens(), hidden_size = model.config.hidden_size, narrow = family.narrow;
  for (AlignedFloats* numbers : {&workspace.query, &workspace.context, &workspace.family[0], &workspace.family[1]}) numbers->reserve(tokens * narrow);
  workspace.key_value.reserve(tokens * 2 * narrow);
  workspace.projected.reserve(tokens * std::max(hidden_size, narrow));
  workspace.intermediate.reserve(tokens * model.config.intermediate_size);
  for (std::size_t layer = 0; layer < family.layers.size(); ++layer) {
    record_layer(model, layer, unit, workspace);
    run_layer(model, loop, family.layers[layer], unit, keep_of_layer(model, layer, family.layers.size(), workspace), workspace);
  }
  finish_layers(model, family.layers.size(), unit, workspace);
}

}  // namespace filbert
