// ERNIE: BERT, where some checkpoints add an embedding for the task besides. Behaviour: transformers' ErnieModel
// (models/ernie/modeling_ernie.py) without task_type_ids: the task is always the first.
#pragma once

#include "infer/bert.h"
#include "infer/model.h"

namespace filbert {

void expect_ernie(const Config& config, TensorList& tensors);
void load_ernie(Model& model, const Loop& loop);

}  // namespace filbert
