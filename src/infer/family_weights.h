// What a family's encoder has beyond BERT's layers.
#pragma once

#include <cstddef>
#include <cstdint>
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

// DeBERTa: which of the vectors below stands for a distance.
struct DistanceNumbers {
  std::vector<std::int32_t> index;   // [2 · reach + 1], never falling: of distances from −reach to reach; all beyond have the last one
  std::ptrdiff_t reach = 0;
  std::ptrdiff_t even = 0;           // from −even to even the vector of a distance is the one after that of the distance before
};
// Vectors for the distances of a query and a key, as a layer sees them.
struct DistanceVectors {
  AlignedFloats packed;              // for each head [head_size, count] in panels, end to end
  std::size_t count = 0;
  std::size_t head_floats = 0;       // of one head in `packed`
};
struct Convolution {
  Linear linear;                     // [kernel_size · hidden_size, hidden_size]
  std::size_t kernel_size = 1;
  Activation activation = Activation::none;
  LayerNorm norm;
};
struct Deberta {
  struct Layer {
    DistanceVectors key;             // by key − query; a query is multiplied with them. None where pos_att_type lacks c2p
    DistanceVectors query;           // by query − key; a key is multiplied with them. None where pos_att_type lacks p2c
  };
  DistanceNumbers by_key, by_query;
  std::vector<Layer> layers;
  float scale = 1;                   // of all scores
  std::optional<Convolution> convolution;  // of what goes into the first layer, added to what comes out of it
};

struct ModernBert {
  std::vector<Linear> gates;              // of each layer, what the activations are multiplied with
  LayerNorm final_norm;
  std::vector<bool> is_local;             // of each layer
  std::size_t reach = 0;                  // of a local layer, to each side
  std::vector<float> global_frequencies;  // rotary_frequencies() of global layers
  std::vector<float> local_frequencies;

  std::vector<const Linear*> linears() const;
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

// XLNet: what a layer's attention has besides BERT's; its r_w_bias is the bias of the query.
struct XlnetLayer {
  Linear distance;                        // [hidden_size, hidden_size], of the sinusoids of distances
  std::vector<float> distance_query_bias; // [hidden_size]: r_r_bias − r_w_bias
  std::vector<float> segment;             // [hidden_size]: seg_embed of another segment less that of the same one
  std::vector<float> segment_bias;        // [num_attention_heads]: (r_s_bias − r_w_bias) · segment
  AlignedFloats packed;                   // XlnetDistanceView of rows of up to kReach tokens
  std::vector<float> bias;
};
struct Xlnet {
  static constexpr std::size_t kReach = 256;
  std::vector<XlnetLayer> layers;
  std::size_t clamp = 0;                  // distances further than this are one; 0: none are

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

using FamilyWeights = std::variant<std::monostate, RelativeBias, RotaryPositions, ValueConvolution, Deberta, ModernBert, Xlnet, MobileBert, ConvBert>;

}  // namespace filbert
