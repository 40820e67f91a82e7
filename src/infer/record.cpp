#include "infer/record.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <filbert/error.h>

#include "infer/attention.h"
#include "infer/model.h"

namespace filbert {
namespace {

// [total_tokens, width], where it is not there yet.
Tensor& reserve(std::vector<Tensor>& tensors, std::size_t layer, std::size_t total_tokens, std::size_t width) {
  if (tensors[layer].data.empty()) tensors[layer] = Tensor({total_tokens, width});
  return tensors[layer];
}

// [tokens, head_size], `stride` floats apart, to the head's columns of rows from `token` on.
void copy_rows(const float* from, std::size_t stride, std::size_t tokens, std::size_t head_size, std::size_t head, std::size_t token, Tensor& to) {
  for (std::size_t at = 0; at < tokens; ++at) {
    std::copy_n(from + at * stride, head_size, to[token + at].data() + head * head_size);
  }
}

}  // namespace

bool Record::wants(std::size_t of_layer) const {
  return !options.layers || std::ranges::find(*options.layers, of_layer) != options.layers->end();
}

void check_layers(const OutputOptions& options, std::size_t num_layers) {
  if (!options.layers) return;
  for (const std::size_t layer : *options.layers) {
    if (layer < num_layers) continue;
    const std::string expected = num_layers == 0 ? "none, since the model has no layers" : fmt::format("numbers from 0 to {}", num_layers - 1);
    throw Error(ErrorKind::invalid_argument, fmt::format("layers: expected {}, found {}", expected, layer));
  }
}

void record_layer(const Model& model, std::size_t layer, const Unit& unit, Workspace& workspace) {
  if (workspace.record == nullptr) return;
  Record& record = *workspace.record;
  record.layer = layer;
  const bool wanted = record.wants(layer) || (layer > 0 && record.wants(layer - 1));
  if (!record.options.output_hidden_states || !wanted) return;
  Tensor& states = reserve(record.outputs.hidden_states, layer, record.total_tokens, model.config.hidden_size);
  std::copy_n(workspace.hidden.data(), unit.tokens() * model.config.hidden_size, states[record.first_token].data());
}

void reserve_heads(Record& record, const AttentionShape& shape, const Unit& unit) {
  if (!record.wants(record.layer)) return;
  EncoderOutputs& outputs = record.outputs;
  const std::size_t width = shape.heads * shape.head_size;
  if (record.options.output_queries_keys_values) {
    for (auto* tensors : {&outputs.queries, &outputs.keys, &outputs.values}) reserve(*tensors, record.layer, record.total_tokens, width);
  }
  if (record.options.output_contexts) reserve(outputs.contexts, record.layer, record.total_tokens, width);
  if (!record.options.output_attentions) return;
  std::vector<Tensor>& rows = outputs.attentions[record.layer];
  if (rows.size() < record.first_row + unit.rows()) rows.resize(record.first_row + unit.rows());
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    rows[record.first_row + row] = Tensor({shape.heads, unit.length(row), unit.length(row)});
  }
}

float* recorded_weights(Record& record, std::size_t row, std::size_t head, std::size_t tokens) {
  if (!record.options.output_attentions || !record.wants(record.layer)) return nullptr;
  return record.outputs.attentions[record.layer][record.first_row + row].data.data() + head * tokens * tokens;
}

void record_head(Record& record, const AttentionShape& shape, const AttentionHead& head, std::size_t token_of_unit) {
  if (!record.wants(record.layer)) return;
  EncoderOutputs& outputs = record.outputs;
  const auto keep = [&](const float* from, std::size_t stride, std::vector<Tensor>& tensors) {
    copy_rows(from, stride, head.tokens, shape.head_size, head.head, record.first_token + token_of_unit, tensors[record.layer]);
  };
  if (record.options.output_queries_keys_values) {
    keep(head.query, shape.query_stride, outputs.queries);
    keep(head.key, shape.key_value_stride, outputs.keys);
    keep(head.value, shape.key_value_stride, outputs.values);
  }
  if (record.options.output_contexts) keep(head.context, shape.context_stride, outputs.contexts);
}

}  // namespace filbert
