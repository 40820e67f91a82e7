// Rotary positions (Su et al., 2021, arXiv 2104.09864): pairs of a query's or key's numbers are turned by angles that grow with the
// position, so that their product depends on the distance alone. Number i is paired with number i + head_size / 2, as GPT-NeoX does it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned.h"

namespace filbert {

// [head_size / 2] angles of position 1: 1 / theta^(2i / head_size), in f32 as torch has them. head_size is even.
std::vector<float> rotary_frequencies(double theta, std::size_t head_size);

// Cosines and sines of at least the first `positions` positions, [positions, head_size]: the cosines of all angles, then the sines.
// They are in `table`, which is filled again when it has to grow; `table` must be filled by this function alone, with one `frequencies`.
const float* rotary_table(std::span<const float> frequencies, std::size_t positions, AlignedFloats& table);

// Turns `rows` vectors x [head_size], `stride` floats apart; `table` is that of the first one's position, the others follow.
void rotate(const float* table, std::size_t head_size, std::size_t rows, std::size_t stride, float* x);

}  // namespace filbert
