// XLNet: BERT's encoder with scores that know the distance of a query and a key, as Transformer-XL has them, and whether both are of
// one segment; the token of a text that stands for it is the last (Yang et al., 2019, arXiv 1906.08237).
// Behaviour: transformers' XLNetModel (models/xlnet/modeling_xlnet.py) without mems, perm_mask and target_mapping.
#pragma once

#include "infer/architecture.h"
#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

HeadRow xlnet_sequence_head(const Config& config);
void expect_xlnet(const Config& config, TensorList& tensors);
std::vector<LinearGroup> xlnet_groups(const Config& config, std::size_t layer);
// q, k, v, o and r, which lie as [d_model, n_head, d_head].
std::optional<FloatLinear> read_xlnet_linear(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name);
void load_xlnet(Model& model, const Loop& loop);
void embed_xlnet(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace);
void attend_xlnet(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

}  // namespace filbert
