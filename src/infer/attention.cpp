#include "infer/attention.h"

namespace filbert {

void attend(const Model& model, const Loop& loop, std::size_t, const Unit& unit, Keep keep, Workspace& workspace) {
  const AttentionShape shape = attention_shape(model.config);
  attend_heads(model, loop, shape, unit, keep, attention_scale(shape.head_size), LeaveBlock{}, workspace);
}

}  // namespace filbert
