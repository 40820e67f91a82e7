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

using FamilyWeights = std::variant<std::monostate, RelativeBias>;

}  // namespace filbert
