// Scores that know how far a key is from its query: products of queries or keys with vectors of distances, forth and back. The vectors
// are constants of a layer.
#pragma once

#include <cstddef>
#include <vector>

#include "gradients/tape.h"

namespace filbert {

// For rows of up to `reach` tokens.
template <typename T>
struct TapeDistances {
  std::size_t reach = 0;
  std::vector<std::size_t> number = {};  // [2 · reach − 1] which vector a distance has, from −(reach − 1) on, never falling
  std::size_t count = 0, head_size = 0;
  std::vector<T> vectors = {};           // [heads, count, head_size]
  std::vector<T> bias = {};              // [heads, count], added to the products; empty: nothing
  bool is_even = false;                  // each distance has the vector after that of the distance before
};

// Appends columns [first, first + count) of a packed [depth, columns], each as a row.
template <typename T>
void unpack_columns(const KernelTable& kernels, const float* packed, std::size_t depth, std::size_t first, std::size_t count, std::vector<T>& rows);

// Tokens of a head that are multiplied with the vectors of the others' distances, other − token.
template <typename T>
struct DistanceSide {
  const T* x;                                  // [count, head_size]
  std::size_t stride, count, first_position;
  std::size_t others, first_other;
  std::size_t score_stride, other_stride;      // of scores, from a token to the next and from another to the next
};
template <typename T>
DistanceSide<T> queries_of(const TapeHead<T>& head);
template <typename T>
DistanceSide<T> keys_of(const TapeHead<T>& head);

// To the scores of a head.
template <typename T>
void add_distances(const Backend<T>& backend, const TapeDistances<T>& distances, const TapeHead<T>& head, const DistanceSide<T>& side, T* scores);
// From the gradient of the scores to that of the side's tokens, which lies as they do.
template <typename T>
void add_distances_backward(const Backend<T>& backend, const TapeDistances<T>& distances, const TapeHead<T>& head, const DistanceSide<T>& side,
                            const T* scores_gradient, T* gradient);

}  // namespace filbert
