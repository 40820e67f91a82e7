// MobileBERT on a tape: words with their neighbours, and layers that attend and feed forward on the narrow side of a bottleneck.
#include <array>
#include <variant>

#include "gradients/families.h"
#include "infer/attention.h"

namespace filbert {
namespace {

template <typename T>
typename Tape<T>::Value normalise(const Pass<T>& pass, const MobileBertNorm& norm, typename Tape<T>::Value x) {
  if (norm.epsilon) return pass.tape.layer_norm(x, norm.parameters, static_cast<double>(*norm.epsilon));
  const auto y = pass.tape.affine(x, norm.parameters);
  pass.tape.drop(x);
  return y;
}

template <typename T>
typename Tape<T>::Value take_step(const Pass<T>& pass, const MobileBertStep& step, typename Tape<T>::Value x) {
  return normalise(pass, step.norm, pass.tape.linear(x, step.dense));
}

// norm(dense(x) + residual)
template <typename T>
typename Tape<T>::Value take_step(const Pass<T>& pass, const MobileBertStep& step, typename Tape<T>::Value x, typename Tape<T>::Value residual) {
  const auto projected = pass.tape.linear(x, step.dense);
  const auto sum = pass.tape.add(projected, residual);
  pass.tape.drop(projected);
  return normalise(pass, step.norm, sum);
}

// The layer's narrow side behind its attention. `kept` is what is kept of x.
template <typename T>
typename Tape<T>::Value attend_layer(const Pass<T>& pass, const MobileBertLayer& layer, std::size_t step, Keep keep, typename Tape<T>::Value x,
                                     typename Tape<T>::Value kept) {
  Tape<T>& tape = pass.tape;
  const auto& family = std::get<MobileBert>(pass.model.family);
  const bool of_bottleneck = family.use_bottleneck_attention;  // values as well
  auto queried = x;                                            // what queries and keys are made of
  if (layer.attention_input) queried = take_step(pass, *layer.attention_input, x);
  if (of_bottleneck && layer.input) queried = take_step(pass, *layer.input, x);
  const auto kept_queried = queried == x ? kept : tape.keep(queried, pass.unit, is_one_token(keep) ? keep : Keep::all);
  const auto query = tape.linear(kept_queried, layer.query);
  const auto key_value = tape.join(std::array{tape.linear(queried, layer.key), tape.linear(of_bottleneck ? queried : x, layer.value)});
  auto inside = of_bottleneck ? kept_queried : kept;
  if (layer.input && !of_bottleneck) inside = take_step(pass, *layer.input, kept);

  TapeAttention shape = tape_attention(pass.model, step, keep);
  shape.head_size = family.narrow / shape.heads;
  shape.scale = attention_scale(shape.head_size);
  return take_step(pass, layer.attention_output, tape.attend(query, key_value, pass.unit, shape), inside);
}

}  // namespace

template <typename T>
typename Tape<T>::Value mobilebert_embed(const Pass<T>& pass, typename Tape<T>::Value words) {
  Tape<T>& tape = pass.tape;
  const auto& projection = pass.model.embeddings.projection;
  auto x = words;
  if (projection) {
    const bool has_neighbours = projection->in != pass.model.config.embedding_size;
    x = tape.linear(has_neighbours ? neighbours(pass, words, {1, 0, -1}) : words, *projection);
  }
  return normalise(pass, std::get<MobileBert>(pass.model.family).embedding_norm, tape.add_constant(x, pass.fixed));
}

template <typename T>
typename Tape<T>::Value mobilebert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const MobileBertLayer& layer = std::get<MobileBert>(pass.model.family).layers[step];
  const auto kept = tape.keep(x, pass.unit, is_one_token(keep) ? keep : Keep::all);
  auto inside = attend_layer(pass, layer, step, keep, x, kept);
  for (const MobileBertNetwork& network : layer.networks) {
    const auto activated = tape.activate(tape.linear(inside, network.intermediate), pass.model.activation);
    inside = take_step(pass, network.output, activated, inside);
    tape.drop(activated);
  }
  return layer.output ? take_step(pass, *layer.output, inside, kept) : inside;
}

#define FILBERT_INSTANTIATE(T)                                                                      \
  template Tape<T>::Value mobilebert_embed(const Pass<T>&, Tape<T>::Value);                        \
  template Tape<T>::Value mobilebert_layer(const Pass<T>&, std::size_t, Keep, Tape<T>::Value)
FILBERT_INSTANTIATE(float);
FILBERT_INSTANTIATE(double);
#undef FILBERT_INSTANTIATE

}  // namespace filbert
