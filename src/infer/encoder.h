// Steps that the encoders of several families share.
#pragma once

#include <cstddef>

#include "infer/model.h"

namespace filbert {

// hidden = LayerNorm(projected + hidden), for each of `rows` rows of hidden_size
void add_and_norm(const Model& model, const Loop& loop, const LayerNorm& norm, std::size_t rows, const float* projected, float* hidden);

// Moves the token of each row that is kept to the front: [tokens, width] becomes [rows, width].
void keep_one_token(const Unit& unit, Keep keep, std::size_t width, float* numbers);

}  // namespace filbert
