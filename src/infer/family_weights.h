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

using FamilyWeights = std::variant<std::monostate, RelativeBias, Deberta>;

}  // namespace filbert
