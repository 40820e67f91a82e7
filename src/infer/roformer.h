// RoFormer: BERT's encoder, in which a query or key is turned by angles that grow with its position instead of adding a position to
// the word (Su et al., 2021, arXiv 2104.09864). Behaviour: transformers' RoFormerModel (models/roformer/modeling_roformer.py).
#pragma once

#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

void expect_roformer(const Config& config, TensorList& tensors);
void load_roformer(Model& model, const Loop& loop);
void attend_roformer(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

// [positions, head_size]: the sines of a position's angles, one for each pair of numbers, and their cosines behind them.
std::vector<float> rotary_table(std::size_t positions, std::size_t head_size);

// Turns each pair of neighbours of `numbers` [head_size] by the angles of a row of that table.
void rotate(const float* sines_cosines, std::size_t head_size, float* numbers);

}  // namespace filbert
