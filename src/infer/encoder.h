// The steps of encode() of model.h, for a family that has something between them.
#pragma once

#include <cstddef>

#include "infer/linear.h"
#include "infer/model.h"

namespace filbert {

// Of which tokens layer `step` of `num_layers` has to give the states: of those that the head looks at in the last one, unless all of
// them are recorded.
inline Keep keep_of_layer(const Model& model, std::size_t step, std::size_t num_layers, const Workspace& workspace) {
  return step + 1 == num_layers && workspace.record == nullptr ? model.head.keep : Keep::all;
}

// At the end of an encoder of `num_layers`: what the head looks at to the front, where the last layer has not done so.
void finish_layers(const Model& model, std::size_t num_layers, const Unit& unit, Workspace& workspace);

// Scratch memory for run_layer().
void reserve_layers(const Model& model, const Unit& unit, Workspace& workspace);

// Attention and feed-forward network of a layer, on workspace.hidden. Where one token is kept of each row: keys and values of all
// tokens, the rest for those alone, which are the first rows of `hidden` then.
void run_layer(const Model& model, const Loop& loop, std::size_t index, const Unit& unit, Keep keep, Workspace& workspace);

// hidden = LayerNorm(projected + hidden), for each of `rows` rows of hidden_size
void add_and_norm(const Model& model, const Loop& loop, const LayerNorm& norm, std::size_t rows, const float* projected, float* hidden);

// Where one token is kept of each row, moves those to the front: [tokens, width] becomes [rows, width]. Returns how many are kept.
std::size_t keep_tokens(const Unit& unit, Keep keep, std::size_t width, float* numbers);

}  // namespace filbert
