// softmax(Q · Kᵀ / √head_size) · V, for each row and head by itself, a block of queries at a time: both products run on
// the kernel of the linear layers, over keys and values packed for it.
#include "infer/model.h"

#include <algorithm>
#include <cmath>

namespace filbert {
namespace {

// Queries whose scores are in memory at once.
constexpr std::size_t kQueryBlock = 64;

struct Head {
  const float* query;   // [queries, head_size], rows hidden_size apart
  std::size_t queries;
  const float* key;     // [tokens, head_size], rows 2 · hidden_size apart
  const float* value;   // the same
  std::size_t tokens;
  float* context;       // [queries, head_size], rows hidden_size apart
};

void attend_head(const Model& model, const Head& head, Workspace::Attention& scratch) {
  const KernelTable& kernels = model.kernels;
  const std::size_t hidden_size = model.config.hidden_size, head_size = model.config.head_size();
  scratch.packed_key.reserve(packed_size(kernels, head_size, head.tokens));
  scratch.packed_value.reserve(packed_size(kernels, head.tokens, head_size));
  scratch.scores.reserve(kQueryBlock * head.tokens);
  kernels.pack_transposed(head.key, head.tokens, head_size, 2 * hidden_size, scratch.packed_key.data());
  kernels.pack(head.value, head.tokens, head_size, 2 * hidden_size, scratch.packed_value.data());

  const float scale = 1.0f / std::sqrt(static_cast<float>(head_size));
  float* scores = scratch.scores.data();
  for (std::size_t first = 0; first < head.queries; first += kQueryBlock) {
    const std::size_t rows = std::min(kQueryBlock, head.queries - first);
    kernels.gemm({.a = head.query + first * hidden_size,
                  .a_stride = hidden_size,
                  .rows = rows,
                  .b = {scratch.packed_key.data(), head_size, head.tokens},
                  .panel_end = num_panels(kernels, head.tokens),
                  .c = scores,
                  .c_stride = head.tokens});
    for (std::size_t row = 0; row < rows; ++row) kernels.softmax(scores + row * head.tokens, head.tokens, scale);
    kernels.gemm({.a = scores,
                  .a_stride = head.tokens,
                  .rows = rows,
                  .b = {scratch.packed_value.data(), head.tokens, head_size},
                  .panel_end = num_panels(kernels, head_size),
                  .c = head.context + first * hidden_size,
                  .c_stride = hidden_size});
  }
}

}  // namespace

void attend(const Model& model, const Loop& loop, const Unit& unit, bool first_tokens_only, Workspace& workspace) {
  const std::size_t hidden_size = model.config.hidden_size, head_size = model.config.head_size();
  const std::size_t heads = model.config.num_attention_heads;
  if (workspace.attention.size() < loop.threads()) workspace.attention.resize(loop.threads());
  loop(unit.rows() * heads, [&](std::size_t task, unsigned thread) {
    const std::size_t row = task / heads, column = task % heads * head_size;
    const std::size_t first_query = first_tokens_only ? row : unit.start(row);
    const float* key = workspace.key_value.data() + unit.start(row) * 2 * hidden_size + column;
    attend_head(model,
                {.query = workspace.query.data() + first_query * hidden_size + column,
                 .queries = first_tokens_only ? 1 : unit.length(row),
                 .key = key,
                 .value = key + hidden_size,
                 .tokens = unit.length(row),
                 .context = workspace.context.data() + first_query * hidden_size + column},
                workspace.attention[thread]);
  });
}

}  // namespace filbert
