// DeBERTa on a tape: products with vectors of distances, of queries and of keys, and the convolution beside the first layer.
#include <algorithm>
#include <memory>
#include <variant>

#include "gradients/distances.h"
#include "gradients/families.h"

namespace filbert {
namespace {

// The vectors of those distances that a row of `reach` tokens has; null where the layer has none.
template <typename T>
std::shared_ptr<const TapeDistances<T>> unpack(const Model& model, const DistanceNumbers& numbers, const DistanceVectors& vectors, std::size_t reach) {
  if (vectors.count == 0) return nullptr;
  auto unpacked = std::make_shared<TapeDistances<T>>();
  const auto furthest = static_cast<std::ptrdiff_t>(reach) - 1;
  for (std::ptrdiff_t distance = -furthest; distance <= furthest; ++distance) {
    const std::ptrdiff_t place = std::clamp(distance, -numbers.reach, numbers.reach) + numbers.reach;
    unpacked->number.push_back(static_cast<std::size_t>(numbers.index[static_cast<std::size_t>(place)]));
  }
  const std::size_t first = unpacked->number.front();
  for (std::size_t& number : unpacked->number) number -= first;
  unpacked->reach = reach;
  unpacked->count = unpacked->number.back() + 1;
  unpacked->is_even = furthest <= numbers.even;
  unpacked->head_size = model.config.head_size();
  for (std::size_t head = 0; head < model.config.num_attention_heads; ++head) {
    unpack_columns(model.kernels, vectors.packed.data() + head * vectors.head_floats, unpacked->head_size, first, unpacked->count, unpacked->vectors);
  }
  return unpacked;
}

template <typename T>
ScoreTerms<T> deberta_terms(const Pass<T>& pass, std::size_t step) {
  const auto& family = std::get<Deberta>(pass.model.family);
  if (family.layers.empty()) return {};
  const std::size_t reach = pass.unit.longest();
  const auto by_key = unpack<T>(pass.model, family.by_key, family.layers[step].key, reach);
  const auto by_query = unpack<T>(pass.model, family.by_query, family.layers[step].query, reach);
  const Backend<T>& backend = pass.tape.backend();
  ScoreTerms<T> terms;
  terms.add = [by_key, by_query, &backend](const TapeHead<T>& head, T* scores) {
    if (by_key) add_distances(backend, *by_key, head, queries_of(head), scores);
    if (by_query) add_distances(backend, *by_query, head, keys_of(head), scores);
  };
  terms.backward = [by_key, by_query, &backend](const TapeHead<T>& head, const T* slopes, T* query, T* key) {
    if (by_key) add_distances_backward(backend, *by_key, head, queries_of(head), slopes, query);
    if (by_query) add_distances_backward(backend, *by_query, head, keys_of(head), slopes, key);
  };
  return terms;
}

// What the convolution gives for the kept tokens of what goes into the first layer.
template <typename T>
typename Tape<T>::Value convolve(const Pass<T>& pass, const Convolution& convolution, Keep keep, typename Tape<T>::Value x) {
  const std::ptrdiff_t margin = static_cast<std::ptrdiff_t>(convolution.kernel_size) / 2;
  std::vector<std::ptrdiff_t> distances;
  for (std::ptrdiff_t distance = -margin; distance <= margin; ++distance) distances.push_back(distance);
  Tape<T>& tape = pass.tape;
  const auto covered = tape.keep(neighbours(pass, x, distances), pass.unit, is_one_token(keep) ? keep : Keep::all);
  const auto convolved = tape.linear(covered, convolution.linear);
  tape.drop(covered);
  return tape.activate(convolved, convolution.activation);
}

}  // namespace

template <typename T>
typename Tape<T>::Value deberta_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  Tape<T>& tape = pass.tape;
  const auto& family = std::get<Deberta>(pass.model.family);
  const EncoderLayer& layer = pass.model.layers[step];
  const bool convolves = step == 0 && family.convolution.has_value();
  const auto convolved = convolves ? convolve(pass, *family.convolution, keep, x) : x;
  TapeAttention shape = tape_attention(pass.model, step, keep);
  shape.scale = family.scale;
  const Attention<T> attention = project(pass, layer, keep, x);
  const auto context = tape.attend(attention.query, attention.key_value, pass.unit, shape, deberta_terms(pass, step));
  const auto state = after_attention(pass, layer, context, attention.kept);
  return convolves ? add_and_norm(pass, convolved, state, family.convolution->norm) : state;
}

template Tape<float>::Value deberta_layer(const Pass<float>&, std::size_t, Keep, Tape<float>::Value);
template Tape<double>::Value deberta_layer(const Pass<double>&, std::size_t, Keep, Tape<double>::Value);

}  // namespace filbert
