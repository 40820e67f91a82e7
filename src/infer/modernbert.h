// ModernBERT: LayerNorm before attention and feed-forward network instead of behind them, rotary positions, a gated feed-forward
// network (GeGLU), and in most layers a window that attention stays in (Warner et al., 2024, arXiv 2412.13663).
// Behaviour: transformers' ModernBertModel (models/modernbert/modeling_modernbert.py).
#pragma once

#include "infer/architecture.h"
#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

HeadRow modernbert_sequence_head(const Config& config);
HeadRow modernbert_token_head(const Config& config);
void expect_modernbert(const Config& config, TensorList& tensors);
std::vector<LinearGroup> modernbert_groups(const Config& config, std::size_t layer);
void load_modernbert(Model& model, const Loop& loop);
void encode_modernbert(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);

}  // namespace filbert
