// Nyströmformer (Xiong et al., 2021, arXiv 2102.03902) where it has as many landmarks as segments, which leaves nothing to approximate:
// BERT's encoder, with a convolution of each head's values along the text added to its context. Behaviour: transformers'
// NystromformerModel (models/nystromformer/modeling_nystromformer.py).
#pragma once

#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

void expect_nystromformer(const Config& config, TensorList& tensors);
void load_nystromformer(Model& model, const Loop& loop);
void attend_nystromformer(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

}  // namespace filbert
