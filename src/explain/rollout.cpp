// Only one row of the product of the layers' matrices is needed, so a vector goes through them from the last to the first: layers · tokens²
// instead of layers · tokens³. Tested by rollout_test.cpp.
#include <filbert/rollout.h>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "base/refuse.h"
#include "infer/architecture.h"
#include "infer/model.h"

namespace filbert {
namespace {

// The row's weights of a layer.
const Tensor& weights_of(const EncoderOutputs& outputs, std::size_t layer, std::size_t row) {
  const std::vector<Tensor>& rows = outputs.attentions[layer];
  if (rows.empty()) refuse(fmt::format("attentions: expected those of every layer, found none of layer {}", layer));
  if (row >= rows.size()) refuse(fmt::format("row: expected one below {}, found {}", rows.size(), row));
  return rows[row];
}

std::size_t tokens_of(const EncoderOutputs& outputs, std::size_t row) {
  if (outputs.attentions.empty()) refuse("attentions: expected those of every layer, found none");
  return weights_of(outputs, 0, row).shape.at(1);
}

// [tokens] what the head looks at.
std::vector<double> looked_at(std::size_t tokens, const RolloutOptions& options) {
  if (options.token && *options.token >= tokens) refuse(fmt::format("token: expected one below {}, found {}", tokens, *options.token));
  if (!options.token && options.pooling == Pooling::mean) return std::vector<double>(tokens, 1 / static_cast<double>(tokens));
  std::vector<double> share(tokens);
  share[options.token.value_or(options.pooling == Pooling::last ? tokens - 1 : 0)] = 1;
  return share;
}

// `matrix_row(layer, query, out)` gives a query's row [tokens] of a layer's matrix, beside the identity.
template <typename MatrixRow>
std::vector<double> multiply_layers(std::size_t layers, std::size_t tokens, const RolloutOptions& options, const MatrixRow& matrix_row) {
  const std::vector<double> start = looked_at(tokens, options);
  std::vector<double> share = start, row(tokens);
  for (std::size_t layer = layers; layer-- > 0;) {
    std::vector<double> next(tokens);
    for (std::size_t query = 0; query < tokens; ++query) {
      if (share[query] == 0) continue;
      matrix_row(layer, query, row);
      for (std::size_t key = 0; key < tokens; ++key) next[key] += share[query] * row[key];
    }
    share = std::move(next);
  }
  if (options.token || options.pooling != Pooling::mean) {
    for (std::size_t token = 0; token < tokens; ++token) {
      if (start[token] != 0) share[token] = 0;
    }
  }
  return share;
}

// The heads' weights [heads, tokens, tokens] of a query.
void fuse_heads(const Tensor& weights, std::size_t query, HeadFusion fusion, std::vector<double>& fused) {
  const std::size_t heads = weights.rows(), tokens = fused.size();
  for (std::size_t key = 0; key < tokens; ++key) {
    double of_key = weights[0][query * tokens + key];
    for (std::size_t head = 1; head < heads; ++head) {
      const double weight = weights[head][query * tokens + key];
      of_key = fusion == HeadFusion::mean ? of_key + weight : fusion == HeadFusion::max ? std::max(of_key, weight) : std::min(of_key, weight);
    }
    fused[key] = fusion == HeadFusion::mean ? of_key / static_cast<double>(heads) : of_key;
  }
}

// Sets the smallest `count` to 0; of equal ones the first.
void discard_smallest(std::size_t count, std::vector<double>& weights) {
  if (count == 0) return;
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t key) { return weights[key]; });
  for (std::size_t at = 0; at < count; ++at) weights[order[at]] = 0;
}

}  // namespace

Pooling pooling_of(const Config& config) {
  switch (head_of(config, Task::sequence_classification).keep) {
    case Keep::last: return Pooling::last;
    case Keep::mean: return Pooling::mean;
    default: return Pooling::first;
  }
}

std::vector<double> attention_rollout(const EncoderOutputs& outputs, std::size_t row, const RolloutOptions& options) {
  if (!(options.discard_ratio >= 0 && options.discard_ratio < 1)) {
    refuse(fmt::format("discard_ratio: expected a share from 0 to below 1, found {}", options.discard_ratio));
  }
  const std::size_t tokens = tokens_of(outputs, row), layers = outputs.attentions.size();
  for (std::size_t layer = 0; layer < layers; ++layer) weights_of(outputs, layer, row);
  const auto discarded = static_cast<std::size_t>(options.discard_ratio * static_cast<double>(tokens));
  return multiply_layers(layers, tokens, options, [&](std::size_t layer, std::size_t query, std::vector<double>& shares) {
    fuse_heads(outputs.attentions[layer][row], query, options.fusion, shares);
    discard_smallest(discarded, shares);
    shares[query] += 1;
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= sum;
  });
}

std::vector<double> gradient_rollout(const EncoderOutputs& outputs, std::size_t row, std::span<const Tensor> gradients, const RolloutOptions& options) {
  const std::size_t tokens = tokens_of(outputs, row), layers = outputs.attentions.size();
  if (gradients.size() != layers) refuse(fmt::format("gradients: expected those of {} layers, found {}", layers, gradients.size()));
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const std::vector<std::size_t>& expected = weights_of(outputs, layer, row).shape;
    if (gradients[layer].shape != expected) {
      refuse(fmt::format("gradients: expected the shape [{}] of the weights of layer {}, found [{}]", fmt::join(expected, ", "), layer,
                         fmt::join(gradients[layer].shape, ", ")));
    }
  }
  return multiply_layers(layers, tokens, options, [&](std::size_t layer, std::size_t query, std::vector<double>& shares) {
    const Tensor& weights = outputs.attentions[layer][row];
    std::ranges::fill(shares, 0.0);
    for (std::size_t head = 0; head < weights.rows(); ++head) {
      for (std::size_t key = 0; key < tokens; ++key) {
        const std::size_t at = query * tokens + key;
        shares[key] += std::max(0.0, double{weights[head][at]} * double{gradients[layer][head][at]});
      }
    }
    for (double& share : shares) share /= static_cast<double>(weights.rows());
    shares[query] += 1;
  });
}

}  // namespace filbert
