// What a family's encoder has beyond BERT's layers.
#pragma once

#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

#include "infer/linear.h"

namespace filbert {

// MPNet: added to the scores of a query and a key for their distance, the same in every layer.
struct RelativeBias {
  std::vector<float> bias;       // [num_attention_heads, 2 · reach + 1]: of key − query from −reach to reach, and of all beyond
  std::size_t reach = 0;
};

// RoFormer
struct RotaryPositions {
  std::vector<float> sines_cosines;  // rotary_table()
  bool of_values = false;            // whether values are turned as well as queries and keys
};

// Nyströmformer
struct ValueConvolution {
  std::size_t kernel_size = 0;               // 0: none
  std::vector<std::vector<float>> weight;    // of each layer [num_attention_heads, kernel_size]
};

// MobileBERT: LayerNorm, or x · weight + bias where there is no epsilon.
struct MobileBertNorm {
  LayerNorm parameters;
  std::optional<float> epsilon;
};
struct MobileBertStep {
  Linear dense;
  MobileBertNorm norm;
};
struct MobileBertNetwork {
  Linear intermediate;                       // [narrow, intermediate_size]
  MobileBertStep output;
};
struct MobileBertLayer {
  std::optional<MobileBertStep> input;            // the bottleneck, [hidden_size, narrow]
  std::optional<MobileBertStep> attention_input;  // another one for queries and keys
  Linear query, key, value;
  MobileBertStep attention_output;
  std::vector<MobileBertNetwork> networks;        // one after the other
  std::optional<MobileBertStep> output;           // [narrow, hidden_size]; none without a bottleneck
};
struct MobileBert {
  bool use_bottleneck_attention = false;     // queries, keys and values are made of the bottleneck's output
  std::size_t narrow = 0;                    // size inside a layer, hidden_size without a bottleneck
  MobileBertNorm embedding_norm;
  std::vector<MobileBertLayer> layers;

  std::vector<const Linear*> linears() const;
};

// ConvBERT: what a layer has besides query, key, value and the projection of the context.
struct ConvBertLayer {
  std::vector<float> depthwise;              // [conv_kernel_size, hidden_size]
  Linear pointwise;                          // [hidden_size, attention_size], after that
  Linear kernel;                             // [attention_size, heads · conv_kernel_size]
  Linear convolved;                          // [hidden_size, attention_size]
  std::vector<Linear> intermediate, output;  // a linear layer for each group of inputs and outputs
};
struct ConvBert {
  std::size_t heads = 0;                     // that attend, and as many that convolve
  std::size_t attention_size = 0;            // of all heads that attend
  std::size_t kernel_size = 0;
  std::vector<ConvBertLayer> layers;

  std::vector<const Linear*> linears() const;
};

using FamilyWeights = std::variant<std::monostate, RelativeBias, RotaryPositions, ValueConvolution, MobileBert, ConvBert>;

}  // namespace filbert
