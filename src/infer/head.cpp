// The head: the pooler's tanh over the first token, then the classifier.
#include "infer/model.h"

#include <cmath>

namespace filbert {

void classify(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace, float* logits) {
  const std::size_t hidden_size = model.config.hidden_size;
  workspace.projected.reserve(unit.rows() * hidden_size);
  float* pooled = workspace.projected.data();
  apply(model.kernels, loop, model.pooler, Activation::none, {workspace.hidden.data(), hidden_size, unit.rows()}, workspace.prepared, pooled);
  // So few that the exact function costs nothing.
  for (std::size_t at = 0; at < unit.rows() * hidden_size; ++at) pooled[at] = std::tanh(pooled[at]);
  apply(model.kernels, loop, model.classifier, Activation::none, {pooled, hidden_size, unit.rows()}, workspace.prepared, logits);
}

}  // namespace filbert
