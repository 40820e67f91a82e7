// MobileBERT: thin layers between wide ones (Sun et al., 2020, arXiv 2004.02984). A layer takes the hidden states through a bottleneck,
// attends and feeds forward on the narrow side, several times, and widens what comes out; most checkpoints have a scale and a shift
// for each channel where BERT has a LayerNorm. Behaviour: transformers' MobileBertModel (models/mobilebert/modeling_mobilebert.py).
#pragma once

#include "infer/architecture.h"
#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

HeadRow mobilebert_head(const Config& config);
void expect_mobilebert(const Config& config, TensorList& tensors);
std::vector<LinearGroup> mobilebert_groups(const Config& config, std::size_t layer);
void load_mobilebert(Model& model, const Loop& loop);
void embed_mobilebert(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace);
void encode_mobilebert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);

}  // namespace filbert
