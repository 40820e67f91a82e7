// The encoder, layer after layer: attention and a feed-forward network, each added to what came in and normalised
// (Vaswani et al., 2017, arXiv 1706.03762, in the order of BERT: LayerNorm after the sum).
#include "infer/model.h"

#include <algorithm>
#include <cstring>

namespace filbert {
namespace {

// hidden = LayerNorm(projected + hidden), for each of `rows` rows
void add_and_norm(const Model& model, const Loop& loop, const LayerNorm& norm, std::size_t rows, const float* projected,
                  float* hidden) {
  constexpr std::size_t kRowsOfTask = 16;
  const std::size_t hidden_size = model.config.hidden_size;
  loop((rows + kRowsOfTask - 1) / kRowsOfTask, [&](std::size_t task, unsigned) {
    const std::size_t end = std::min(rows, (task + 1) * kRowsOfTask);
    for (std::size_t row = task * kRowsOfTask; row < end; ++row) {
      float* out = hidden + row * hidden_size;
      model.kernels.layer_norm(projected + row * hidden_size, out, norm.weight.data(), norm.bias.data(),
                               static_cast<float>(model.config.layer_norm_eps), hidden_size, out);
    }
  });
}

// Moves the first token of each row to the front: hidden [tokens, hidden_size] becomes [rows, hidden_size].
void keep_first_tokens(const Unit& unit, std::size_t hidden_size, float* hidden) {
  for (std::size_t row = 1; row < unit.rows(); ++row) {
    std::memmove(hidden + row * hidden_size, hidden + unit.start(row) * hidden_size, hidden_size * sizeof(float));
  }
}

// `first_tokens_only`: keys and values of all tokens, the rest for the first token of each row.
void run_layer(const Model& model, const Loop& loop, const EncoderLayer& layer, const Unit& unit, bool first_tokens_only,
               Workspace& workspace) {
  const KernelTable& kernels = model.kernels;
  const std::size_t hidden_size = model.config.hidden_size, intermediate_size = model.config.intermediate_size;
  float* hidden = workspace.hidden.data();
  float* projected = workspace.projected.data();
  float* intermediate = workspace.intermediate.data();

  const Rows all{hidden, hidden_size, unit.tokens()};
  prepare(kernels, loop, layer.key_value, all, workspace.prepared);
  multiply(kernels, loop, layer.key_value, Activation::none, all, workspace.prepared, workspace.key_value.data());
  if (first_tokens_only) keep_first_tokens(unit, hidden_size, hidden);
  const std::size_t rows = first_tokens_only ? unit.rows() : unit.tokens();
  const Rows residual{hidden, hidden_size, rows};
  if (first_tokens_only) prepare(kernels, loop, layer.query, residual, workspace.prepared);  // else it is that of the keys
  multiply(kernels, loop, layer.query, Activation::none, residual, workspace.prepared, workspace.query.data());
  attend(model, loop, unit, first_tokens_only, workspace);
  const Rows context{workspace.context.data(), hidden_size, rows};
  apply(kernels, loop, layer.attention_output, Activation::none, context, workspace.prepared, projected);
  add_and_norm(model, loop, layer.attention_norm, rows, projected, hidden);

  apply(kernels, loop, layer.intermediate, model.activation, residual, workspace.prepared, intermediate);
  apply(kernels, loop, layer.output, Activation::none, {intermediate, intermediate_size, rows}, workspace.prepared, projected);
  add_and_norm(model, loop, layer.output_norm, rows, projected, hidden);
}

}  // namespace

void encode(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  const std::size_t tokens = unit.tokens(), hidden_size = model.config.hidden_size;
  workspace.query.reserve(tokens * hidden_size);
  workspace.key_value.reserve(tokens * 2 * hidden_size);
  workspace.context.reserve(tokens * hidden_size);
  workspace.projected.reserve(tokens * hidden_size);
  workspace.intermediate.reserve(tokens * model.config.intermediate_size);

  for (const EncoderLayer& layer : model.layers) {
    run_layer(model, loop, layer, unit, &layer == &model.layers.back(), workspace);
  }
  if (model.layers.empty()) keep_first_tokens(unit, hidden_size, workspace.hidden.data());
}

}  // namespace filbert
