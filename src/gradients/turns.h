// Rotary positions on a tape: pairs of numbers turned by the angles of their token's position. A turn keeps lengths, so that the way back
// is the turn by the negative angles.
#pragma once

#include <cstddef>
#include <memory>

#include "gradients/network.h"

namespace filbert {

// Of position 0, [head_size / 2] each; those of the next positions follow head_size floats apart.
struct Angles {
  const float* cosines;
  const float* sines;
  std::size_t head_size;
  bool of_neighbours;  // numbers 2i and 2i + 1 are a pair, else i and head_size / 2 + i
  std::shared_ptr<const AlignedFloats> table = {};  // where they lie, if the model does not have them
};

// x [tokens, or one token of each row with `keep`, columns] with the first `count` columns turned, which are whole heads.
template <typename T>
typename Tape<T>::Value turn(const Pass<T>& pass, typename Tape<T>::Value x, Keep keep, std::size_t count, const Angles& angles);

}  // namespace filbert
