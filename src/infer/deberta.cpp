#include "infer/deberta.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <variant>

#include "infer/attention.h"
#include "infer/encoder.h"

namespace filbert {
namespace {

// Tokens of a block. Products are taken with the distances from all of them to the others, of which each uses its own: fewer means less
// in vain, more means fewer readings of the vectors.
constexpr std::size_t kBlockTokens = 16;

// Workspace::family, where it convolves
constexpr std::size_t kPadded = 0;     // [tokens and zeros around each text, hidden_size]
constexpr std::size_t kConvolved = 1;  // [tokens, hidden_size], and zeros between texts until they are moved

// Tokens of a head: `count` of them from position `first` of the row on.
struct Tokens {
  const float* x;      // [count, head_size], rows `stride` floats apart; none are needed of the others
  std::size_t stride;
  std::size_t first;
  std::size_t count;
};

// [tokens, others], rows `stride` apart.
struct Products {
  const float* data;
  std::size_t stride;
};

// The products for the distances from `first` on. `products` are those with the vectors from number `skipped` on.
void spread(const DistanceNumbers& numbers, std::ptrdiff_t first, const float* products, std::size_t skipped, std::span<float> to) {
  const auto count = static_cast<std::ptrdiff_t>(to.size());
  const std::ptrdiff_t begin = std::clamp(-numbers.reach - first, std::ptrdiff_t{0}, count);
  const std::ptrdiff_t end = std::clamp(numbers.reach + 1 - first, begin, count);
  const auto product = [&](std::int32_t number) { return products[static_cast<std::size_t>(number) - skipped]; };
  const std::int32_t* index = numbers.index.data();
  for (std::ptrdiff_t at = 0; at < begin; ++at) to[static_cast<std::size_t>(at)] = product(numbers.index.front());
  for (std::ptrdiff_t at = begin; at < end; ++at) to[static_cast<std::size_t>(at)] = product(index[at + first + numbers.reach]);
  for (std::ptrdiff_t at = end; at < count; ++at) to[static_cast<std::size_t>(at)] = product(numbers.index.back());
}

// Of each token with the vector of each other's distance, other − token.
Products multiply_by_distance(const KernelTable& kernels, const DistanceNumbers& numbers, const DistanceVectors& vectors, std::size_t head,
                              std::size_t head_size, const Tokens& tokens, const Tokens& others, Workspace::Attention& scratch) {
  const auto position = [](std::size_t token) { return static_cast<std::ptrdiff_t>(token); };
  const std::ptrdiff_t lowest = position(others.first) - position(tokens.first + tokens.count - 1);
  const std::ptrdiff_t highest = position(others.first + others.count - 1) - position(tokens.first);
  const auto index = [&](std::ptrdiff_t distance) {
    return static_cast<std::size_t>(numbers.index[static_cast<std::size_t>(std::clamp(distance, -numbers.reach, numbers.reach) + numbers.reach)]);
  };
  const std::size_t width = kernels.panel_columns, panel = index(lowest) / width, panels = index(highest) / width + 1 - panel;
  const std::size_t stride = panels * width, skipped = panel * width;
  scratch.products.reserve(tokens.count * stride);
  float* products = scratch.products.data();
  kernels.gemm({.a = tokens.x,
                .a_stride = tokens.stride,
                .rows = tokens.count,
                .b = {vectors.packed.data() + head * vectors.head_floats + skipped * head_size, head_size, vectors.count - skipped},
                .panel_end = panels,
                .c = products,
                .c_stride = stride});
  if (-lowest <= numbers.even && highest <= numbers.even) return {products + (index(lowest) - skipped) + tokens.count - 1, stride - 1};

  scratch.spread.reserve(tokens.count * others.count);
  for (std::size_t token = 0; token < tokens.count; ++token) {
    spread(numbers, position(others.first) - position(tokens.first + token), products + token * stride, skipped,
           {scratch.spread.data() + token * others.count, others.count});
  }
  return {scratch.spread.data(), others.count};
}

// For each text: what the convolution gives for each of its tokens, with zeros beyond its ends; to workspace.family[kConvolved].
void convolve(const Model& model, const Loop& loop, const Convolution& convolution, const Unit& unit, Workspace& workspace) {
  const std::size_t hidden_size = model.config.hidden_size, margin = convolution.kernel_size / 2;
  const std::size_t rows = unit.tokens() + margin * (unit.rows() - 1);  // of texts with one margin between them
  workspace.family[kPadded].reserve((rows + 2 * margin) * hidden_size);
  workspace.family[kConvolved].reserve(rows * hidden_size);
  float* padded = workspace.family[kPadded].data();
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    padded = std::fill_n(padded, margin * hidden_size, 0.0f);
    padded = std::copy_n(workspace.hidden.data() + unit.start(row) * hidden_size, unit.length(row) * hidden_size, padded);
  }
  std::fill_n(padded, margin * hidden_size, 0.0f);
  apply(model.kernels, loop, convolution.linear, convolution.activation, {workspace.family[kPadded].data(), hidden_size, rows}, workspace.prepared,
        workspace.family[kConvolved].data());
  for (std::size_t row = 1; row < unit.rows(); ++row) {
    float* convolved = workspace.family[kConvolved].data();
    std::memmove(convolved + unit.start(row) * hidden_size, convolved + (unit.start(row) + margin * row) * hidden_size,
                 unit.length(row) * hidden_size * sizeof(float));
  }
}

}  // namespace

void attend_deberta(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace) {
  const auto& deberta = std::get<Deberta>(model.family);
  const KernelTable& kernels = model.kernels;
  const AttentionShape shape = attention_shape(model.config);
  attend_heads(model, loop, shape, unit, keep, deberta.scale, [&](const ScoreBlock& block) {
    if (deberta.layers.empty()) return;
    const Deberta::Layer& vectors = deberta.layers[layer];
    const std::size_t head = block.of.head, all = block.of.tokens, first_query = block.of.first_position + block.first;
    for (std::size_t first = 0; vectors.key.count > 0 && first < block.count; first += kBlockTokens) {
      const std::size_t count = std::min(kBlockTokens, block.count - first);
      const Tokens queries{block.of.query + (block.first + first) * shape.query_stride, shape.query_stride, first_query + first, count};
      const Products products = multiply_by_distance(kernels, deberta.by_key, vectors.key, head, shape.head_size, queries,
                                                     {nullptr, 0, 0, all}, block.scratch);
      for (std::size_t query = 0; query < count; ++query) {
        kernels.add(products.data + query * products.stride, all, block.scores + (first + query) * all);
      }
    }
    for (std::size_t first = 0; vectors.query.count > 0 && first < all; first += kBlockTokens) {
      const std::size_t count = std::min(kBlockTokens, all - first);
      const Tokens keys{block.of.key + first * shape.key_value_stride, shape.key_value_stride, first, count};
      const Products products = multiply_by_distance(kernels, deberta.by_query, vectors.query, head, shape.head_size, keys,
                                                     {nullptr, 0, first_query, block.count}, block.scratch);
      for (std::size_t query = 0; query < block.count; ++query) {
        float* scores = block.scores + query * all + first;
        for (std::size_t key = 0; key < count; ++key) scores[key] += products.data[key * products.stride + query];
      }
    }
  }, workspace);
}

void encode_deberta(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) {
  const auto& deberta = std::get<Deberta>(model.family);
  if (!deberta.convolution) return encode(model, loop, unit, workspace);
  reserve_layers(model, unit, workspace);
  convolve(model, loop, *deberta.convolution, unit, workspace);
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const Keep keep = keep_of_layer(model, layer, model.layers.size(), workspace);
    record_layer(model, layer, unit, workspace);
    run_layer(model, loop, layer, unit, keep, workspace);
    if (layer > 0) continue;
    float* convolved = workspace.family[kConvolved].data();
    add_and_norm(model, loop, deberta.convolution->norm, keep_tokens(unit, keep, model.config.hidden_size, convolved), convolved,
                 workspace.hidden.data());
  }
  finish_layers(model, model.layers.size(), unit, workspace);
}

}  // namespace filbert
