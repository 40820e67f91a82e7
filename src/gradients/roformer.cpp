// RoFormer on a tape: queries, keys and perhaps values turned by their positions.
#include <variant>

#include "gradients/families.h"
#include "gradients/turns.h"

namespace filbert {

template <typename T>
typename Tape<T>::Value roformer_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  const Model& model = pass.model;
  const auto& rotary = std::get<RotaryPositions>(model.family);
  const EncoderLayer& layer = model.layers[step];
  const std::size_t hidden_size = model.config.hidden_size, head_size = model.config.head_size();
  const float* sines = rotary.sines_cosines.data();
  const Angles angles{.cosines = sines + head_size / 2, .sines = sines, .head_size = head_size, .of_neighbours = true};
  const Attention<T> attention = project(pass, layer, keep, x);
  const auto query = turn(pass, attention.query, keep, hidden_size, angles);
  const auto key_value = turn(pass, attention.key_value, Keep::all, rotary.of_values ? 2 * hidden_size : hidden_size, angles);
  const auto context = pass.tape.attend(query, key_value, pass.unit, tape_attention(model, step, keep));
  return after_attention(pass, layer, context, attention.kept);
}

template Tape<float>::Value roformer_layer(const Pass<float>&, std::size_t, Keep, Tape<float>::Value);
template Tape<double>::Value roformer_layer(const Pass<double>&, std::size_t, Keep, Tape<double>::Value);

}  // namespace filbert
