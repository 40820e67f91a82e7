#include "gradients/turns.h"

#include <algorithm>
#include <vector>

namespace filbert {
namespace {

// Of each row of a matrix.
std::vector<std::size_t> positions_of(const Unit& unit, Keep keep) {
  std::vector<std::size_t> positions;
  for (std::size_t row = 0; row < unit.rows(); ++row) {
    const std::size_t length = unit.length(row);
    if (is_one_token(keep)) {
      positions.push_back(keep == Keep::last ? length - 1 : 0);
      continue;
    }
    for (std::size_t position = 0; position < length; ++position) positions.push_back(position);
  }
  return positions;
}

// One head's numbers, by the angles of `position`, or by the negative ones where `direction` is −1.
template <typename T>
void turn_head(const Angles& angles, std::size_t position, T direction, const T* from, T* to) {
  const std::size_t pairs = angles.head_size / 2;
  const float* cosines = angles.cosines + position * angles.head_size;
  const float* sines = angles.sines + position * angles.head_size;
  const auto each = [&](std::size_t step, std::size_t other) {
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const T first = from[pair * step], second = from[pair * step + other];
      const T cosine = static_cast<T>(cosines[pair]), sine = direction * static_cast<T>(sines[pair]);
      to[pair * step] = first * cosine - second * sine;
      to[pair * step + other] = second * cosine + first * sine;
    }
  };
  angles.of_neighbours ? each(2, 1) : each(1, pairs);
}

}  // namespace

template <typename T>
typename Tape<T>::Value turn(const Pass<T>& pass, typename Tape<T>::Value x, Keep keep, std::size_t count, const Angles& angles) {
  const auto turned = [&tape = pass.tape, positions = positions_of(pass.unit, keep), count, angles](Matrix<T> from, Matrix<T> to, T direction) {
    for_each_row(tape.backend().loop, to.rows, [&](std::size_t row) {
      for (std::size_t at = 0; at < count; at += angles.head_size) turn_head(angles, positions[row], direction, from[row] + at, to[row] + at);
      std::copy(from[row] + count, from[row] + to.columns, to[row] + count);
    });
  };
  const Matrix<T> shape = pass.tape[x];
  const auto y = pass.tape.map(x, shape.rows, shape.columns, [turned](Matrix<T> from, Matrix<T> to) { turned(from, to, T{1}); },
                               [turned](Matrix<T> dy, Matrix<T> dx) { turned(dy, dx, T{-1}); });
  pass.tape.drop(x);
  return y;
}

template Tape<float>::Value turn(const Pass<float>&, Tape<float>::Value, Keep, std::size_t, const Angles&);
template Tape<double>::Value turn(const Pass<double>&, Tape<double>::Value, Keep, std::size_t, const Angles&);

}  // namespace filbert
