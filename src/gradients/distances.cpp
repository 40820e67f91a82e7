#include "gradients/distances.h"

#include <algorithm>

namespace filbert {
namespace {

// The vectors [begin, begin + count) of the distances that occur, and where their numbers are.
struct Span {
  std::size_t begin, count;
  const std::size_t* numbers;  // of the first token's distance to the first other; those of the next token begin one before
};

template <typename T>
Span span_of(const TapeDistances<T>& distances, const DistanceSide<T>& side) {
  const std::size_t* numbers = distances.number.data() + distances.reach - 1 + side.first_other - side.first_position;
  const std::size_t begin = *(numbers - (side.count - 1));
  return {begin, numbers[side.others - 1] + 1 - begin, numbers};
}

// body(product of a token, score) for each pair of a token and another; or where both lie side by side, run(products, scores) for each token.
template <typename T, typename Score, typename Body, typename Run>
void each_score(const TapeDistances<T>& distances, const DistanceSide<T>& side, const Span& span, T* products, Score* scores, const Body& body,
                const Run& run) {
  for (std::size_t token = 0; token < side.count; ++token) {
    const std::size_t* numbers = span.numbers - token;
    T* of_token = products + token * span.count;
    Score* score = scores + token * side.score_stride;
    if (distances.is_even && side.other_stride == 1) {
      run(of_token + (*numbers - span.begin), score);
      continue;
    }
    for (std::size_t other = 0; other < side.others; ++other) body(of_token[numbers[other] - span.begin], score[other * side.other_stride]);
  }
}

}  // namespace

template <typename T>
void unpack_columns(const KernelTable& kernels, const float* packed, std::size_t depth, std::size_t first, std::size_t count, std::vector<T>& rows) {
  const std::size_t width = kernels.panel_columns, held = rows.size();
  rows.resize(held + count * depth);
  T* to = rows.data() + held;
  for (std::size_t column = first; column < first + count; ++column, to += depth) {
    const float* numbers = packed + column / width * width * depth + column % width;
    for (std::size_t at = 0; at < depth; ++at) to[at] = static_cast<T>(numbers[at * width]);
  }
}

template <typename T>
DistanceSide<T> queries_of(const TapeHead<T>& head) {
  return {head.query, head.query_stride, head.queries, head.first_position, head.tokens, 0, head.tokens, 1};
}

template <typename T>
DistanceSide<T> keys_of(const TapeHead<T>& head) {
  return {head.key, head.key_value_stride, head.tokens, 0, head.queries, head.first_position, 1, head.tokens};
}

template <typename T>
void add_distances(const Backend<T>& backend, const TapeDistances<T>& distances, const TapeHead<T>& head, const DistanceSide<T>& side, T* scores) {
  const std::size_t size = distances.head_size;
  const Span span = span_of(distances, side);
  const std::size_t first = head.head * distances.count + span.begin;
  head.scratch->products.reserve(side.count * span.count);
  T* products = head.scratch->products.data();
  backend.product({side.x, side.stride, side.count, distances.vectors.data() + first * size, size, true, size, span.count, products, span.count},
                  head.scratch->packed);
  for (std::size_t token = 0; !distances.bias.empty() && token < side.count; ++token) {
    backend.add(distances.bias.data() + first, span.count, products + token * span.count);
  }
  each_score(distances, side, span, products, scores, [](T product, T& score) { score += product; },
             [&](const T* of_token, T* score) { backend.add(of_token, side.others, score); });
}

template <typename T>
void add_distances_backward(const Backend<T>& backend, const TapeDistances<T>& distances, const TapeHead<T>& head, const DistanceSide<T>& side,
                            const T* scores_gradient, T* gradient) {
  const std::size_t size = distances.head_size;
  const Span span = span_of(distances, side);
  head.scratch->products.reserve(side.count * span.count);
  head.scratch->part.reserve(side.count * size);
  T* products = head.scratch->products.data();
  T* part = head.scratch->part.data();
  std::fill_n(products, side.count * span.count, T{0});
  each_score(distances, side, span, products, scores_gradient, [](T& product, T slope) { product += slope; },
             [&](T* of_token, const T* slopes) { std::copy_n(slopes, side.others, of_token); });
  backend.product({products, span.count, side.count, distances.vectors.data() + (head.head * distances.count + span.begin) * size, size, false, span.count,
                   size, part, size}, head.scratch->packed);
  for (std::size_t token = 0; token < side.count; ++token) backend.add(part + token * size, size, gradient + token * side.stride);
}

#define FILBERT_INSTANTIATE(T)                                                                                                                  \
  template void unpack_columns(const KernelTable&, const float*, std::size_t, std::size_t, std::size_t, std::vector<T>&);                        \
  template DistanceSide<T> queries_of(const TapeHead<T>&);                                                                                       \
  template DistanceSide<T> keys_of(const TapeHead<T>&);                                                                                          \
  template void add_distances(const Backend<T>&, const TapeDistances<T>&, const TapeHead<T>&, const DistanceSide<T>&, T*);                       \
  template void add_distances_backward(const Backend<T>&, const TapeDistances<T>&, const TapeHead<T>&, const DistanceSide<T>&, const T*, T*)
FILBERT_INSTANTIATE(float);
FILBERT_INSTANTIATE(double);
#undef FILBERT_INSTANTIATE

}  // namespace filbert
