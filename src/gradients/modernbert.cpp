// ModernBERT on a tape: LayerNorm before attention and feed-forward network, gates, and layers that see a window.
#include <memory>
#include <utility>
#include <variant>

#include "gradients/families.h"
#include "gradients/turns.h"
#include "infer/rotary.h"

namespace filbert {
namespace {

Angles angles_of(const ModernBert& family, std::size_t step, std::size_t positions) {
  const auto& frequencies = family.is_local[step] ? family.local_frequencies : family.global_frequencies;
  AlignedFloats table;
  rotary_table(frequencies, positions, table);
  const auto kept = std::make_shared<const AlignedFloats>(std::move(table));
  const std::size_t half = frequencies.size();
  return {.cosines = kept->data(), .sines = kept->data() + half, .head_size = 2 * half, .of_neighbours = false, .table = kept};
}

// What attention gives of the kept tokens, which are normed.
template <typename T>
typename Tape<T>::Value attend_normed(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value normed) {
  const Model& model = pass.model;
  const auto& family = std::get<ModernBert>(model.family);
  const std::size_t hidden_size = model.config.hidden_size;
  const Angles angles = angles_of(family, step, pass.unit.longest());
  TapeAttention shape = tape_attention(model, step, keep);
  if (family.is_local[step]) shape.reach = family.reach;
  const Attention<T> attention = project(pass, model.layers[step], keep, normed);
  const auto query = turn(pass, attention.query, keep, hidden_size, angles);
  const auto key_value = turn(pass, attention.key_value, Keep::all, hidden_size, angles);
  return pass.tape.linear(pass.tape.attend(query, key_value, pass.unit, shape), model.layers[step].attention_output);
}

}  // namespace

// The first layer takes the embeddings as they are, which have been normed.
template <typename T>
typename Tape<T>::Value modernbert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const Model& model = pass.model;
  const EncoderLayer& layer = model.layers[step];
  const double epsilon = model.config.layer_norm_eps;
  const auto attended = attend_normed(pass, step, keep, step == 0 ? x : tape.layer_norm(x, layer.attention_norm, epsilon));
  const auto sum = tape.add(tape.keep(x, pass.unit, is_one_token(keep) ? keep : Keep::all), attended);
  const auto normed = tape.layer_norm(sum, layer.output_norm, epsilon);
  const auto activated = tape.activate(tape.linear(normed, layer.intermediate), model.activation);
  const auto gated = tape.multiply(activated, tape.linear(normed, std::get<ModernBert>(model.family).gates[step]));
  const auto projected = tape.linear(gated, layer.output);
  for (const auto value : {attended, normed, gated}) tape.drop(value);
  return tape.add(sum, projected);
}

template <typename T>
typename Tape<T>::Value modernbert_leave(const Pass<T>& pass, typename Tape<T>::Value x) {
  return pass.tape.layer_norm(x, std::get<ModernBert>(pass.model.family).final_norm, pass.model.config.layer_norm_eps);
}

#define FILBERT_INSTANTIATE(T)                                                                      \
  template Tape<T>::Value modernbert_layer(const Pass<T>&, std::size_t, Keep, Tape<T>::Value);     \
  template Tape<T>::Value modernbert_leave(const Pass<T>&, Tape<T>::Value)
FILBERT_INSTANTIATE(float);
FILBERT_INSTANTIATE(double);
#undef FILBERT_INSTANTIATE

}  // namespace filbert
