// softmax(Q · Kᵀ · scale) · V, for each row and head by itself, a block of queries at a time: both products run on the kernel of
// the linear layers, over keys and values packed for it. A family adds what it has to the scores before the softmax.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "infer/model.h"
#include "infer/record.h"

namespace filbert {

// Queries whose scores are in memory at once.
constexpr std::size_t kQueryBlock = 64;

// Where queries, keys, values and contexts lie: a head's numbers side by side, rows `…_stride` floats apart.
struct AttentionShape {
  std::size_t heads;
  std::size_t head_size;
  std::size_t query_stride;
  std::size_t key_value_stride;  // a value lies half of it behind its key
  std::size_t context_stride;
};
inline AttentionShape attention_shape(const Config& config) {
  return {config.num_attention_heads, config.head_size(), config.hidden_size, 2 * config.hidden_size, config.hidden_size};
}

// One head of one row: its keys and values are those of all the row's tokens, its queries may be fewer.
struct AttentionHead {
  std::size_t row;               // of the unit
  std::size_t head;
  float* query;                  // [queries, head_size]
  std::size_t queries;
  std::size_t first_position;    // in the row, of the first query
  float* key;                    // [tokens, head_size]
  const float* value;            // the same
  std::size_t tokens;
  float* context;                // [queries, head_size]
  float* weights = nullptr;      // [queries, tokens] where a copy of what the softmax gives goes, or null
};

// Scores of queries [first, first + count) of a head: q · k, before they are scaled.
struct ScoreBlock {
  const AttentionHead& of;
  std::size_t first;
  std::size_t count;
  float* scores;                 // [count, of.tokens]
  Workspace::Attention& scratch;
};

struct LeaveBlock {
  void operator()(const ScoreBlock&) const {}
};

// `add(block)` changes the scores of each block, `mix(block)` what the softmax has made of them.
template <typename Add, typename Mix = LeaveBlock>
void attend_head(const KernelTable& kernels, const AttentionShape& shape, const AttentionHead& head, float scale, const Add& add,
                 Workspace::Attention& scratch, const Mix& mix = {}) {
  scratch.packed_key.reserve(packed_size(kernels, shape.head_size, head.tokens));
  scratch.packed_value.reserve(packed_size(kernels, head.tokens, shape.head_size));
  scratch.scores.reserve(kQueryBlock * head.tokens);
  kernels.pack_transposed(head.key, head.tokens, shape.head_size, shape.key_value_stride, scratch.packed_key.data());
  kernels.pack(head.value, head.tokens, shape.head_size, shape.key_value_stride, scratch.packed_value.data());

  float* scores = scratch.scores.data();
  for (std::size_t first = 0; first < head.queries; first += kQueryBlock) {
    const std::size_t rows = std::min(kQueryBlock, head.queries - first);
    kernels.gemm({.a = head.query + first * shape.query_stride,
                  .a_stride = shape.query_stride,
                  .rows = rows,
                  .b = {scratch.packed_key.data(), shape.head_size, head.tokens},
                  .panel_end = num_panels(kernels, head.tokens),
                  .c = scores,
                  .c_stride = head.tokens});
    const ScoreBlock block{head, first, rows, scores, scratch};
    add(block);
    for (std::size_t row = 0; row < rows; ++row) kernels.softmax(scores + row * head.tokens, head.tokens, scale);
    if (head.weights != nullptr) std::copy_n(scores, rows * head.tokens, head.weights + first * head.tokens);
    mix(block);
    kernels.gemm({.a = scores,
                  .a_stride = head.tokens,
                  .rows = rows,
                  .b = {scratch.packed_value.data(), head.tokens, shape.head_size},
                  .panel_end = num_panels(kernels, shape.head_size),
                  .c = head.context + first * shape.context_stride,
                  .c_stride = shape.context_stride});
  }
}

// `body(head, scratch)` for every head of every row of a unit, queries in workspace.query, keys and values in workspace.key_value,
// contexts in workspace.context. With one token kept of each row, there is one query for each row, that token's, else one for each token.
template <typename Body>
void for_each_head(const Loop& loop, const AttentionShape& shape, const Unit& unit, Keep keep, Workspace& workspace, const Body& body) {
  if (workspace.attention.size() < loop.threads()) workspace.attention.resize(loop.threads());
  Record* record = workspace.record;
  if (record != nullptr) reserve_heads(*record, shape, unit);
  loop(unit.rows() * shape.heads, [&](std::size_t task, unsigned thread) {
    const std::size_t row = task / shape.heads, head = task % shape.heads, column = head * shape.head_size;
    const std::size_t first_query = is_one_token(keep) ? row : unit.start(row);
    float* key = workspace.key_value.data() + unit.start(row) * shape.key_value_stride + column;
    const AttentionHead of_row{.row = row,
                               .head = head,
                               .query = workspace.query.data() + first_query * shape.query_stride + column,
                               .queries = is_one_token(keep) ? 1 : unit.length(row),
                               .first_position = keep == Keep::last ? unit.length(row) - 1 : 0,
                               .key = key,
                               .value = key + shape.key_value_stride / 2,
                               .tokens = unit.length(row),
                               .context = workspace.context.data() + first_query * shape.context_stride + column,
                               .weights = record == nullptr ? nullptr : recorded_weights(*record, row, head, unit.length(row))};
    body(of_row, workspace.attention[thread]);
    if (record != nullptr) record_head(*record, shape, of_row, unit.start(row));
  });
}

template <typename Add, typename Mix = LeaveBlock>
void attend_heads(const Model& model, const Loop& loop, const AttentionShape& shape, const Unit& unit, Keep keep, float scale, const Add& add,
                  Workspace& workspace, const Mix& mix = {}) {
  for_each_head(loop, shape, unit, keep, workspace, [&](const AttentionHead& head, Workspace::Attention& scratch) {
    attend_head(model.kernels, shape, head, scale, add, scratch, mix);
  });
}

inline float attention_scale(std::size_t head_size) { return 1.0f / std::sqrt(static_cast<float>(head_size)); }

// BERT's own: nothing is added.
void attend(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

}  // namespace filbert
