#include "infer/modernbert.h"

#include <algorithm>
#include <variant>

#include "infer/attention.h"
#include "infer/encoder.h"
#include "infer/rotary.h"
#include "infer/window.h"

namespace filbert {
namespace {

// Workspace::family
constexpr std::size_t kGate = 0;         // [tokens, intermediate_size]
constexpr std::size_t kGlobalTable = 1;  // rotary_table() of global layers
constexpr std::size_t kLocalTable = 2;   // and of local ones

// hidden += projected; normed = LayerNorm(hidden), for each of `rows` rows. The two may be one.
void add_then_norm(const Model& model, const Loop& loop, const LayerNorm& norm, std::size_t rows, const float* projected, float* hidden,
                   float* normed) {
  const std::size_t hidden_size = model.config.hidden_size;
  for_each_row(loop, rows, [&](std::size_t row) {
    float* sum = hidden + row * hidden_size;
    if (projected != nullptr) model.kernels.add(projected + row * hidden_size, hidden_size, sum);
    model.kernels.layer_norm(sum, nullptr, norm.weight.data(), norm.bias.data(), static_cast<float>(model.config.layer_norm_eps),
                             hidden_size, normed + row * hidden_size);
  });
}

// Queries and keys turn where they lie.
void attend_layer(const Model& model, const Loop& loop, const ModernBert& family, std::size_t index, const Unit& unit, Keep keep,
                  Workspace& workspace) {
  const bool is_local = family.is_local[index];
  const AttentionShape shape = attention_shape(model.config);
  const float scale = attention_scale(shape.head_size);
  const float* table = workspace.family[is_local ? kLocalTable : kGlobalTable].data();
  for_each_head(loop, shape, unit, keep, workspace, [&](const AttentionHead& head, Workspace::Attention& scratch) {
    rotate(table + head.first_position * shape.head_size, shape.head_size, head.queries, shape.query_stride, head.query);
    rotate(table, shape.head_size, head.tokens, shape.key_value_stride, head.key);
    if (is_local && family.reach < head.tokens) {
      attend_window(model.kernels, shape, head, scale, family.reach, scratch);
    } else {
      attend_head(model.kernels, shape, head, scale, LeaveBlock{}, scratch);
    }
  });
}

// projected = output(activation(intermediate(normed)) · gate(normed)), for each of `rows` rows.
void feed_forward(const Model& model, const Loop& loop, const EncoderLayer& layer, const Linear& gate, const Rows& normed, Workspace& workspace) {
  const std::size_t wide = model.config.intermediate_size;
  float* activated = workspace.intermediate.data();
  float* factors = workspace.family[kGate].data();
  prepare(model.kernels, loop, layer.intermediate, normed, workspace.prepared);
  multiply(model.kernels, loop, layer.intermediate, model.activation, normed, workspace.prepared, activated);
  multiply(model.kernels, loop, gate, Activation::none, normed, workspace.prepared, factors);
  for_each_row(loop, normed.rows, [&](std::size_t row) {
    for (std::size_t at = row * wide; at < (row + 1) * wide; ++at) activated[at] *= factors[at];
  });
  apply(model.kernels, loop, layer.output, Activation::none, {activated, wide, normed.rows}, workspace.prepared, workspace.projected.data());
}

// Where one token is kept of each row: keys and values of all tokens, the rest for those alone. What is normed lies in
// workspace.context, which attention itself needs when that has been read; the first layer takes the embeddings as they are.
void run_layer(const Model& model, const Loop& loop, const ModernBert& family, std::size_t index, const Unit& unit, Keep keep,
               Workspace& workspace) {
  const KernelTable& kernels = model.kernels;
  const EncoderLayer& layer = model.layers[index];
  const std::size_t hidden_size = model.config.hidden_size;
  float* hidden = workspace.hidden.data();
  float* normed = workspace.context.data();
  float* projected = workspace.projected.data();

  float* input = index == 0 ? hidden : normed;
  const Rows all{input, hidden_size, unit.tokens()};
  prepare(kernels, loop, layer.key_value, all, workspace.prepared);
  multiply(kernels, loop, layer.key_value, Activation::none, all, workspace.prepared, workspace.key_value.data());
  const std::size_t rows = keep_tokens(unit, keep, hidden_size, hidden);
  if (input != hidden) keep_tokens(unit, keep, hidden_size, input);
  const Rows kept{input, hidden_size, rows};
  if (is_one_token(keep)) prepare(kernels, loop, layer.query, kept, workspace.prepared);  // else it is that of the keys
  multiply(kernels, loop, layer.query, Activation::none, kept, workspace.prepared, workspace.query.data());
  attend_layer(model, loop, family, index, unit, keep, workspace);
  apply(kernels, loop, layer.attention_output, Activation::none, {workspace.context.data(), hidden_size, rows}, workspace.prepared, projected);
  add_then_norm(model, loop, layer.output_norm, rows, projected, hidden, normed);

  feed_forward(model, loop, layer, family.gates[index], {normed, hidden_size, rows}, workspace);
  const bool is_last = index + 1 == model.layers.size();
  add_then_norm(model, loop, is_last ? family.final_norm : model.layers[index + 1].attention_norm, rows, projected, hidden,
                is_last ? hidden : normed);
}

void reserve(const Model& model, const ModernBert& family, const Unit& unit, Workspace& workspace) {
  const std::size_t tokens = unit.tokens(), hidden_size = model.config.hidden_size;
  for (AlignedFloats* numbers : {&workspace.query, &workspace.context, &workspace.projected}) numbers->reserve(tokens * hidden_size);
  workspace.key_value.reserve(tokens * 2 * hidden_size);
  for (AlignedFloats* numbers : {&workspace.intermediate, &workspace.family[kGate]}) numbers->reserve(tokens * model.config.intermediate_size);
  rotary_table(family.global_frequencies, unit.longest(), workspace.family[kGlobalTable]);
  rotary_table(family.local_frequencies, unit.longest(), workspace.family[kLocalTable]);
}

}  // namespace

void encode_modernbert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  const auto& family = std::get<ModernBert>(model.family);
  const std::size_t num_layers = model.layers.size();
  reserve(model, family, unit, workspace);
  float* hidden = workspace.hidden.data();
  for (std::size_t layer = 0; layer < num_layers; ++layer) {
    record_layer(model, layer, unit, workspace);
    run_layer(model, loop, family, layer, unit, keep_of_layer(model, layer, num_layers, workspace), workspace);
  }
  if (num_layers == 0) add_then_norm(model, loop, family.final_norm, unit.tokens(), nullptr, hidden, hidden);
  finish_layers(model, num_layers, unit, workspace);
}

}  // namespace filbert
