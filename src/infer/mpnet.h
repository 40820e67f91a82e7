// MPNet: BERT's encoder, with a bias for the distance of a query and a key added to their score (Song et al., 2020, arXiv 2004.09297;
// the distances are put in buckets as T5 does it). Behaviour: transformers' MPNetModel (models/mpnet/modeling_mpnet.py).
#pragma once

#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

void expect_mpnet(const Config& config, TensorList& tensors);
void load_mpnet(Model& model, const Loop& loop);
void attend_mpnet(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

}  // namespace filbert
