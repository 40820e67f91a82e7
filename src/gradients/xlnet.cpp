// XLNet on a tape: queries multiplied with vectors of distances, and with one more where a key is of another segment.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "gradients/distances.h"
#include "gradients/families.h"
#include "infer/xlnet_distances.h"

namespace filbert {
namespace {

// Those that the model has, or where they do not reach, made for this layer.
struct PackedDistances {
  XlnetDistanceView view;
  AlignedFloats packed = {};
  std::vector<float> bias = {};
};

PackedDistances packed_distances_of(const Model& model, const Loop& loop, const XlnetLayer& layer, std::size_t longest) {
  if (longest <= Xlnet::kReach) return {.view = {layer.packed.data(), layer.bias.data(), Xlnet::kReach}};
  const std::size_t heads = model.config.num_attention_heads, count = 2 * longest - 1;
  PackedDistances made{.view = {}};
  made.packed.reserve(packed_distances(model.kernels, heads, model.config.head_size(), longest));
  made.bias.resize(heads * count);
  AlignedFloats table, projected(count * model.config.hidden_size);
  PreparedRows prepared;
  const float* sinusoids = sinusoids_of(longest, model.config.hidden_size, std::get<Xlnet>(model.family).clamp, table);
  project_distances(model.kernels, loop, layer, heads, longest, sinusoids, prepared, projected.data(), made.packed.data(), made.bias.data());
  made.view = {made.packed.data(), made.bias.data(), longest};
  return made;
}

template <typename T>
std::shared_ptr<const TapeDistances<T>> unpack(const Pass<T>& pass, const XlnetLayer& layer) {
  const Model& model = pass.model;
  const std::size_t reach = pass.unit.longest(), size = model.config.head_size();
  const PackedDistances distances = packed_distances_of(model, pass.tape.backend().loop, layer, reach);
  const std::size_t held = 2 * distances.view.reach - 1, first = distances.view.reach - reach;
  auto unpacked = std::make_shared<TapeDistances<T>>(TapeDistances<T>{.reach = reach, .count = 2 * reach - 1, .head_size = size, .is_even = true});
  for (std::size_t number = 0; number < unpacked->count; ++number) unpacked->number.push_back(number);
  for (std::size_t head = 0; head < model.config.num_attention_heads; ++head) {
    unpack_columns(model.kernels, distances.view.packed + head * packed_size(model.kernels, size, held), size, first, unpacked->count, unpacked->vectors);
    const float* bias = distances.view.bias + head * held + first;
    unpacked->bias.insert(unpacked->bias.end(), bias, bias + unpacked->count);
  }
  return unpacked;
}

// body(query, key) for each pair of two segments.
template <typename T, typename Body>
void each_stranger(const TapeHead<T>& head, std::span<const std::int32_t> types, const Body& body) {
  for (std::size_t query = 0; query < head.queries; ++query) {
    const std::int32_t type = types[head.first_position + query];
    for (std::size_t key = 0; key < head.tokens; ++key) {
      if (types[key] != type) body(query, key);
    }
  }
}

template <typename T>
void add_segments(const XlnetLayer& layer, std::size_t head_size, const TapeHead<T>& head, std::span<const std::int32_t> types, T* scores) {
  const float* segment = layer.segment.data() + head.head * head_size;
  std::vector<T> others(head.queries, static_cast<T>(layer.segment_bias[head.head]));  // what a key of another segment adds
  for (std::size_t query = 0; query < head.queries; ++query) {
    for (std::size_t at = 0; at < head_size; ++at) others[query] += head.query[query * head.query_stride + at] * static_cast<T>(segment[at]);
  }
  each_stranger(head, types, [&](std::size_t query, std::size_t key) { scores[query * head.tokens + key] += others[query]; });
}

template <typename T>
void add_segments_backward(const XlnetLayer& layer, std::size_t head_size, const TapeHead<T>& head, std::span<const std::int32_t> types, const T* slopes,
                           T* query_gradient) {
  const float* segment = layer.segment.data() + head.head * head_size;
  std::vector<T> others(head.queries);
  each_stranger(head, types, [&](std::size_t query, std::size_t key) { others[query] += slopes[query * head.tokens + key]; });
  for (std::size_t query = 0; query < head.queries; ++query) {
    for (std::size_t at = 0; at < head_size; ++at) query_gradient[query * head.query_stride + at] += others[query] * static_cast<T>(segment[at]);
  }
}

template <typename T>
ScoreTerms<T> xlnet_terms(const Pass<T>& pass, std::size_t step) {
  const XlnetLayer& layer = std::get<Xlnet>(pass.model.family).layers[step];
  const auto distances = unpack(pass, layer);
  const Backend<T>& backend = pass.tape.backend();
  const std::size_t head_size = pass.model.config.head_size();
  // Of a head's row; none where nobody says the types.
  const auto types_of = [unit = pass.unit](const TapeHead<T>& head) {
    return unit.token_type_ids.empty() ? unit.token_type_ids : unit.token_type_ids.subspan(unit.start(head.row), head.tokens);
  };
  ScoreTerms<T> terms;
  terms.add = [distances, &layer, &backend, head_size, types_of](const TapeHead<T>& head, T* scores) {
    add_distances(backend, *distances, head, queries_of(head), scores);
    if (const auto types = types_of(head); !types.empty()) add_segments(layer, head_size, head, types, scores);
  };
  terms.backward = [distances, &layer, &backend, head_size, types_of](const TapeHead<T>& head, const T* slopes, T* query, T*) {
    add_distances_backward(backend, *distances, head, queries_of(head), slopes, query);
    if (const auto types = types_of(head); !types.empty()) add_segments_backward(layer, head_size, head, types, slopes, query);
  };
  return terms;
}

}  // namespace

// Words alone.
template <typename T>
typename Tape<T>::Value xlnet_embed(const Pass<T>&, typename Tape<T>::Value words) {
  return words;
}

template <typename T>
typename Tape<T>::Value xlnet_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x) {
  return bert_layer(pass, step, keep, x, xlnet_terms(pass, step));
}

#define FILBERT_INSTANTIATE(T)                                                                 \
  template Tape<T>::Value xlnet_embed(const Pass<T>&, Tape<T>::Value);                        \
  template Tape<T>::Value xlnet_layer(const Pass<T>&, std::size_t, Keep, Tape<T>::Value)
FILBERT_INSTANTIATE(float);
FILBERT_INSTANTIATE(double);
#undef FILBERT_INSTANTIATE

}  // namespace filbert
