// The encoder, layer after layer: attention and a feed-forward network, each added to what came in and normalised
// (Vaswani et al., 2017, arXiv 1706.03762, in the order of BERT: LayerNorm after the sum).
#include "infer/encoder.h"

#include <algorithm>
#include <cstring>

#include "infer/architecture.h"
#include "infer/record.h"

namespace filbert {

void add_and_norm(const Model& model, const Loop& loop, const LayerNorm& norm, std::size_t rows, const float* projected,
                  float* hidden) {
  const std::size_t hidden_size = model.config.hidden_size;
  for_each_row(loop, rows, [&](std::size_t row) {
    float* out = hidden + row * hidden_size;
    model.kernels.layer_norm(projected + row * hidden_size, out, norm.weight.data(), norm.bias.data(),
                             static_cast<float>(model.config.layer_norm_eps), hidden_size, out);
  });
}

std::size_t keep_tokens(const Unit& unit, Keep keep, std::size_t width, float* numbers) {
  if (!is_one_token(keep)) return unit.tokens();
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    const std::size_t token = keep == Keep::first ? unit.start(row) : unit.start(row) + unit.length(row) - 1;
    std::memmove(numbers + row * width, numbers + token * width, width * sizeof(float));
  }
  return unit.rows();
}

void run_layer(const Model& model, const Loop& loop, std::size_t index, const Unit& unit, Keep keep, Workspace& workspace) {
  const KernelTable& kernels = model.kernels;
  const EncoderLayer& layer = model.layers[index];
  const std::size_t hidden_size = model.config.hidden_size, intermediate_size = model.config.intermediate_size;
  float* hidden = workspace.hidden.data();
  float* projected = workspace.projected.data();
  float* intermediate = workspace.intermediate.data();

  const Rows all{hidden, hidden_size, unit.tokens()};
  prepare(kernels, loop, layer.key_value, all, workspace.prepared);
  multiply(kernels, loop, layer.key_value, Activation::none, all, workspace.prepared, workspace.key_value.data());
  const std::size_t rows = keep_tokens(unit, keep, hidden_size, hidden);
  const Rows residual{hidden, hidden_size, rows};
  if (is_one_token(keep)) prepare(kernels, loop, layer.query, residual, workspace.prepared);  // else it is that of the keys
  multiply(kernels, loop, layer.query, Activation::none, residual, workspace.prepared, workspace.query.data());
  model.architecture.attend(model, loop, index, unit, keep, workspace);
  const Rows context{workspace.context.data(), hidden_size, rows};
  apply(kernels, loop, layer.attention_output, Activation::none, context, workspace.prepared, projected);
  add_and_norm(model, loop, layer.attention_norm, rows, projected, hidden);

  apply(kernels, loop, layer.intermediate, model.activation, residual, workspace.prepared, intermediate);
  apply(kernels, loop, layer.output, Activation::none, {intermediate, intermediate_size, rows}, workspace.prepared, projected);
  add_and_norm(model, loop, layer.output_norm, rows, projected, hidden);
}

void reserve_layers(const Model& model, const Unit& unit, Workspace& workspace) {
  const std::size_t tokens = unit.tokens(), hidden_size = model.config.hidden_size;
  workspace.query.reserve(tokens * hidden_size);
  workspace.key_value.reserve(tokens * 2 * hidden_size);
  workspace.context.reserve(tokens * hidden_size);
  workspace.projected.reserve(tokens * hidden_size);
  workspace.intermediate.reserve(tokens * model.config.intermediate_size);
}

void finish_layers(const Model& model, std::size_t num_layers, const Unit& unit, Workspace& workspace) {
  record_layer(model, num_layers, unit, workspace);
  if (num_layers == 0 || workspace.record != nullptr) keep_tokens(unit, model.head.keep, model.config.hidden_size, workspace.hidden.data());
}

void encode(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  reserve_layers(model, unit, workspace);
  const std::size_t num_layers = model.layer_order.size();
  for (std::size_t step = 0; step < num_layers; ++step) {
    record_layer(model, step, unit, workspace);
    run_layer(model, loop, model.layer_order[step], unit, keep_of_layer(model, step, num_layers, workspace), workspace);
  }
  finish_layers(model, num_layers, unit, workspace);
}

}  // namespace filbert
