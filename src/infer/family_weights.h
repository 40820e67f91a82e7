// What a family's encoder has beyond BERT's layers.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "infer/linear.h"

namespace filbert {

// MPNet: added to the scores of a query and a key for their distance, the same in every layer.
struct RelativeBias {
  std::vector<float> bias;       // [num_attention_heads, 2 · reach + 1]: of key − query from −reach to reach, and of all beyond
  std::size_t reach = 0;
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

using FamilyWeights = std::variant<std::monostate, RelativeBias, ModernBert>;

}  // namespace filbert
