// What XLNet's queries are multiplied with for the distance to a key: a sinusoid of the distance, projected by the layer. It depends on
// weights alone. Vectors are ordered by key − query, so that the products of a query with them lie as its scores do.
#pragma once

#include <cstddef>
#include <span>

#include "base/aligned.h"
#include "infer/family_weights.h"
#include "infer/linear.h"

namespace filbert {

// Vectors for key − query from −(reach − 1) to reach − 1, which do for a row of `reach` tokens.
struct XlnetDistanceView {
  const float* packed;      // of each head [head_size, 2 · reach − 1] in panels, end to end
  const float* bias;        // [num_attention_heads, 2 · reach − 1], to be added to the products
  std::size_t reach;
};

// [2 · reach − 1, hidden_size]: the sinusoids, of distances within ±clamp where `clamp` is not 0. They are in `table`, which is filled
// again when it has to grow; `table` must be filled by this function alone, with one hidden_size and clamp.
const float* sinusoids_of(std::size_t reach, std::size_t hidden_size, std::size_t clamp, AlignedFloats& table);

std::size_t packed_distances(const KernelTable& kernels, std::size_t heads, std::size_t head_size, std::size_t reach);  // floats of `packed`

// The vectors of a layer from `sinusoids`, of that reach. `projected` [2 · reach − 1, hidden_size] is scratch memory.
void project_distances(const KernelTable& kernels, const Loop& loop, const XlnetLayer& layer, std::size_t heads, std::size_t reach,
                       const float* sinusoids, PreparedRows& prepared, float* projected, float* packed, float* bias);

}  // namespace filbert
