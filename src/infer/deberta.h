// DeBERTa: BERT's encoder with disentangled attention: the score of a query and a key also has the query's product with a vector for
// their distance and the key's product with another (He et al., 2020, arXiv 2006.03654; v3, arXiv 2111.09543, has v2's encoder).
// Behaviour: transformers' DebertaModel (models/deberta/modeling_deberta.py) and DebertaV2Model (models/deberta_v2/modeling_deberta_v2.py).
//
// The vectors of distances come from weights alone, so that each layer's are computed and packed at load. The products are taken for
// blocks of tokens, with the vectors of those distances that occur between a block and the row. Distances follow each other as tokens do:
// in a block's products, a row is the row before moved by one, and so, read with a stride that is one shorter, they lie under the scores
// that they are added to. Far distances share their vectors in buckets and are spread out first.
#pragma once

#include <cstddef>
#include <optional>

#include "infer/architecture.h"
#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

struct DebertaConfig;

void expect_deberta(const Config& config, TensorList& tensors);
std::vector<LinearGroup> deberta_groups(const Config& config, std::size_t layer);
// v1's in_proj has its bias in two parts; with share_att_key the distances' projections are kept in floats.
std::optional<FloatLinear> read_deberta_linear(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name);
std::vector<KeptTensor> kept_deberta_tensors(const Config& config);
void load_deberta(Model& model, const Loop& loop);
void encode_deberta(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);
void attend_deberta(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace);

// deberta_load.cpp: which vector stands for each distance that rows of up to max_tokens have, by key − query or by query − key.
DistanceNumbers number_distances(const DebertaConfig& deberta, std::optional<std::size_t> max_tokens, bool by_key);

}  // namespace filbert
