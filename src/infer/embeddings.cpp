// The first step: a token's vector is the sum of its word's, its type's and its position's, normalised.
#include "infer/model.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace filbert {

namespace {

// A word's embedding. In int8 it is rounded to 8 bits, where a quantized checkpoint has not done so before.
void read_word(const Model& model, std::size_t word, std::span<float> out) {
  const Embeddings& table = model.embeddings;
  if (table.word_scale.empty()) {
    read_f32(model.kernels, *table.word, word * out.size(), out);
    if (model.dtype == ComputeDtype::int8) round_to_int8(out);
    return;
  }
  const auto* int8 = reinterpret_cast<const std::int8_t*>(table.word->data.data()) + word * out.size();
  for (std::size_t at = 0; at < out.size(); ++at) out[at] = table.word_scale[word] * static_cast<float>(int8[at]);
}

}  // namespace

void embed(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, float* hidden) {
  const std::size_t hidden_size = model.config.hidden_size;
  const Embeddings& table = model.embeddings;
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    for (std::size_t position = 0; position < unit.length(row); ++position) {
      const std::size_t token = unit.row_starts[row] + position;
      float* out = hidden + (unit.start(row) + position) * hidden_size;
      read_word(model, static_cast<std::size_t>(inputs.input_ids[token]), {out, hidden_size});
      const auto type = static_cast<std::size_t>(inputs.token_type_ids[token]);
      model.kernels.add(table.token_type.data() + type * hidden_size, hidden_size, out);
      model.kernels.layer_norm(out, table.position.data() + position * hidden_size, table.norm.weight.data(),
                               table.norm.bias.data(), static_cast<float>(model.config.layer_norm_eps), hidden_size, out);
    }
  });
}

}  // namespace filbert
