#include "infer/xlnet.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <variant>

#include "infer/attention.h"
#include "infer/dot.h"
#include "infer/xlnet_distances.h"

namespace filbert {
namespace {

// Workspace::family, where a row is longer than Xlnet::kReach
constexpr std::size_t kSinusoids = 0;  // sinusoids_of()
constexpr std::size_t kProjected = 1;  // of a layer
constexpr std::size_t kPacked = 2;     // of a layer, and the bias behind them

// The vectors for the longest row of the unit: those of the model, or where they do not reach, made for this unit and layer.
XlnetDistanceView distances_of(const Model& model, const Loop& loop, const XlnetLayer& layer, std::size_t longest, Workspace& workspace) {
  if (longest <= Xlnet::kReach) return {layer.packed.data(), layer.bias.data(), Xlnet::kReach};
  const std::size_t heads = model.config.num_attention_heads, size = model.config.head_size(), count = 2 * longest - 1;
  const std::size_t packed = packed_distances(model.kernels, heads, size, longest);
  workspace.family[kProjected].reserve(count * model.config.hidden_size);
  workspace.family[kPacked].reserve(packed + heads * count);
  float* bias = workspace.family[kPacked].data() + packed;
  const float* sinusoids = sinusoids_of(longest, model.config.hidden_size, std::get<Xlnet>(model.family).clamp, workspace.family[kSinusoids]);
  project_distances(model.kernels, loop, layer, heads, longest, sinusoids, workspace.prepared, workspace.family[kProjected].data(),
                    workspace.family[kPacked].data(), bias);
  return {workspace.family[kPacked].data(), bias, longest};
}

// Adds to each score the product of its query with the vector of its distance.
void add_distances(const KernelTable& kernels, const AttentionShape& shape, const XlnetDistanceView& distances, const ScoreBlock& block) {
  const AttentionHead& head = block.of;
  const std::size_t width = kernels.panel_columns, count = 2 * distances.reach - 1;
  const std::size_t position = head.first_position + block.first, nearest = distances.reach - 1;  // that of distance 0
  const std::size_t begin = (nearest - (position + block.count - 1)) / width * width;  // of the last query with the first key, in whole panels
  const std::size_t columns = nearest - position + head.tokens - begin;                // to the first query with the last key
  block.scratch.products.reserve(kQueryBlock * (head.tokens + kQueryBlock + width));
  float* products = block.scratch.products.data();
  const float* packed = distances.packed + head.head * packed_size(kernels, shape.head_size, count);
  kernels.gemm({.a = head.query + block.first * shape.query_stride,
                .a_stride = shape.query_stride,
                .rows = block.count,
                .b = {packed + begin * shape.head_size, shape.head_size, columns},
                .panel_end = num_panels(kernels, columns),
                .bias = distances.bias + head.head * count + begin,
                .c = products,
                .c_stride = columns});
  for (std::size_t query = 0; query < block.count; ++query) {
    kernels.add(products + query * columns + (nearest - (position + query) - begin), head.tokens, block.scores + query * head.tokens);
  }
}

// Adds to the scores of keys of another segment than the query's; only the difference to those of the same one counts in a softmax.
void add_segments(const AttentionShape& shape, const XlnetLayer& layer, std::span<const std::int32_t> types, const ScoreBlock& block) {
  const AttentionHead& head = block.of;
  const float* segment = layer.segment.data() + head.head * shape.head_size;
  for (std::size_t query = 0; query < block.count; ++query) {
    const std::int32_t type = types[head.first_position + block.first + query];
    const float other = dot(head.query + (block.first + query) * shape.query_stride, segment, shape.head_size) + layer.segment_bias[head.head];
    float* scores = block.scores + query * head.tokens;
    for (std::size_t key = 0; key < head.tokens; ++key) scores[key] += types[key] == type ? 0.0f : other;
  }
}

}  // namespace

void embed_xlnet(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace) {
  const std::size_t width = model.config.hidden_size;
  workspace.hidden.reserve(unit.tokens() * width);
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    for (std::size_t token = unit.start(row); token < unit.start(row) + unit.length(row); ++token) {
      const std::int32_t input_id = inputs.input_ids[unit.row_starts.front() + token];
      read_word(model, static_cast<std::size_t>(input_id), {workspace.hidden.data() + token * width, width});
    }
  });
}

void attend_xlnet(const Model& model, const Loop& loop, std::size_t index, const Unit& unit, Keep keep, Workspace& workspace) {
  const XlnetLayer& layer = std::get<Xlnet>(model.family).layers[index];
  const AttentionShape shape = attention_shape(model.config);
  const XlnetDistanceView distances = distances_of(model, loop, layer, unit.longest(), workspace);
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), [&](const ScoreBlock& block) {
    add_distances(model.kernels, shape, distances, block);
    if (unit.token_type_ids.empty()) return;
    add_segments(shape, layer, unit.token_type_ids.subspan(unit.start(block.of.row), block.of.tokens), block);
  }, workspace);
}

}  // namespace filbert
