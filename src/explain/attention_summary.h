// What a layer's heads do, in a line: how much of their weight goes where, on average over heads and queries.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <filbert/attention.h>

namespace filbert {

struct LayerSummary {
  std::size_t layer = 0;
  double itself = 0, before = 0, after = 0;  // to the token itself, to the one before it, to the one behind it
  double special = 0;                        // to special tokens
  double other_text = 0;                     // of a pair: from each text's tokens to the other's
  double spread = 0;                         // tokens that the weight is spread over: e to the entropy of a row
  std::vector<double> received;              // [tokens] the mean over queries of what goes to a token
};
LayerSummary summarize(const AttentionMap& map, const AttentionLayer& layer);

// [tokens, tokens]: the mean over heads, which are places in map.heads.
std::vector<double> mean_weights(const AttentionLayer& layer, std::span<const std::size_t> heads);

// The places of the largest, at most so many, the largest first.
std::vector<std::size_t> largest(std::span<const double> values, std::size_t most);

}  // namespace filbert
