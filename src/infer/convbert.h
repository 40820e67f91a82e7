// ConvBERT: half of the heads attend, the other half convolve the text with kernels that each token makes for itself (Jiang et al.,
// 2020, arXiv 2008.02496). Behaviour: transformers' ConvBertModel (models/convbert/modeling_convbert.py). Beyond the ends of
// a row the convolutions see zeros.
#pragma once

#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

void expect_convbert(const Config& config, TensorList& tensors);
std::vector<LinearGroup> convbert_groups(const Config& config, std::size_t layer);
void load_convbert(Model& model, const Loop& loop);
void encode_convbert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);

}  // namespace filbert
