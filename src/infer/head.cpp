// The head: from last hidden states to logits, out(norm(activation(dense(x)))).
#include "infer/model.h"

namespace filbert {
namespace {

// Of each row, to the front: hidden [tokens, hidden_size] becomes [rows, hidden_size].
void average_rows(const Model& model, const Unit& unit, float* hidden) {
  const std::size_t hidden_size = model.config.hidden_size;
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    const float* first = hidden + unit.start(row) * hidden_size;
    for (std::size_t column = 0; column < hidden_size; ++column) {
      double sum = 0;
      for (std::size_t token = 0; token < unit.length(row); ++token) sum += first[token * hidden_size + column];
      hidden[row * hidden_size + column] = static_cast<float>(sum / static_cast<double>(unit.length(row)));
    }
  }
}

}  // namespace

void classify(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace, float* logits) {
  const std::size_t hidden_size = model.config.hidden_size;
  const Head& head = model.head;
  if (head.out.out == 0) return;
  if (head.keep == Keep::mean) average_rows(model, unit, workspace.hidden.data());
  Rows x{workspace.hidden.data(), hidden_size, head.keep == Keep::all ? unit.tokens() : unit.rows()};
  if (head.dense) {
    workspace.projected.reserve(x.rows * hidden_size);
    float* pooled = workspace.projected.data();
    apply(model.kernels, loop, *head.dense, head.activation, x, workspace.prepared, pooled);
    x.x = pooled;
    for (std::size_t row = 0; head.norm && row < x.rows; ++row) {
      model.kernels.layer_norm(pooled + row * hidden_size, nullptr, head.norm->weight.data(), head.norm->bias.data(),
                               static_cast<float>(model.config.layer_norm_eps), hidden_size, pooled + row * hidden_size);
    }
  }
  apply(model.kernels, loop, head.out, Activation::none, x, workspace.prepared, logits);
}

}  // namespace filbert
