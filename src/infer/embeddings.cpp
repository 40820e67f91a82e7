// The first step: a token's vector is the sum of its word's, its type's and its position's, normalised.
#include "infer/model.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "load/config_family.h"

namespace filbert {

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

namespace {

// Positions as rows of the table: counted from the row's first token, or as RoBERTa does it, past pad_token_id, where a padding token
// within the text has that very id for its position and is not counted.
struct PositionCounter {
  PositionIds position_ids;
  std::int64_t pad_token_id;
  std::size_t counted = 0;

  std::size_t next(std::int32_t input_id) {
    if (position_ids == PositionIds::after_two) return kPositionsUnused + counted++;
    if (position_ids != PositionIds::after_padding) return counted++;
    const auto pad = static_cast<std::size_t>(pad_token_id);
    return input_id == pad_token_id ? pad : pad + ++counted;
  }
};

}  // namespace

std::vector<float> fixed_embeddings(const Model& model, const BatchEncoding& inputs, const Unit& unit) {
  const Embeddings& table = model.embeddings;
  const std::size_t width = table.norm.weight.size();
  std::vector<float> sums(unit.tokens() * width, 0.0f);
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    PositionCounter positions{table.position_ids, model.config.pad_token_id};
    for (std::size_t token = unit.start(row); token < unit.start(row) + unit.length(row); ++token) {
      const std::size_t of_batch = unit.row_starts.front() + token;
      const auto add = [&](const std::vector<float>& of, std::size_t id) { model.kernels.add(of.data() + id * width, width, sums.data() + token * width); };
      if (!table.token_type.empty()) add(table.token_type, static_cast<std::size_t>(inputs.token_type_ids[of_batch]));
      if (!table.position.empty()) add(table.position, positions.next(inputs.input_ids[of_batch]));
    }
  }
  return sums;
}

void embed(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace) {
  const std::size_t width = model.config.embedding_size;
  const Embeddings& table = model.embeddings;
  AlignedFloats& sums = table.projection ? workspace.projected : workspace.hidden;
  sums.reserve(unit.tokens() * width);
  workspace.hidden.reserve(unit.tokens() * model.config.hidden_size);
  loop(unit.rows(), [&](std::size_t row, unsigned) {
    PositionCounter positions{table.position_ids, model.config.pad_token_id};
    for (std::size_t token = unit.start(row); token < unit.start(row) + unit.length(row); ++token) {
      const std::size_t of_batch = unit.row_starts.front() + token;
      const std::int32_t input_id = inputs.input_ids[of_batch];
      float* out = sums.data() + token * width;
      read_word(model, static_cast<std::size_t>(input_id), {out, width});
      if (!table.token_type.empty()) {
        model.kernels.add(table.token_type.data() + static_cast<std::size_t>(inputs.token_type_ids[of_batch]) * width, width, out);
      }
      const float* position = table.position.empty() ? nullptr : table.position.data() + positions.next(input_id) * width;
      model.kernels.layer_norm(out, position, table.norm.weight.data(), table.norm.bias.data(),
                               static_cast<float>(model.config.layer_norm_eps), width, out);
    }
  });
  if (!table.projection) return;
  apply(model.kernels, loop, *table.projection, Activation::none, {sums.data(), width, unit.tokens()}, workspace.prepared,
        workspace.hidden.data());
}

}  // namespace filbert
