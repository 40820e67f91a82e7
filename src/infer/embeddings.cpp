// The first step: a token's vector is the sum of its word's, its type's and its position's, normalised.
#include "infer/model.h"

#include <algorithm>

namespace filbert {

void embed(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, float* hidden) {
  const std::size_t hidden_size = model.config.hidden_size;
  const Embeddings& table = model.embeddings;
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    for (std::size_t position = 0; position < unit.length(row); ++position) {
      const std::size_t token = unit.row_starts[row] + position;
      float* out = hidden + (unit.start(row) + position) * hidden_size;
      read_f32(model.kernels, *table.word, static_cast<std::size_t>(inputs.input_ids[token]) * hidden_size, {out, hidden_size});
      const auto type = static_cast<std::size_t>(inputs.token_type_ids[token]);
      model.kernels.add(table.token_type.data() + type * hidden_size, hidden_size, out);
      model.kernels.layer_norm(out, table.position.data() + position * hidden_size, table.norm.weight.data(),
                               table.norm.bias.data(), static_cast<float>(model.config.layer_norm_eps), hidden_size, out);
    }
  });
}

}  // namespace filbert
