// A dense f32 array, row-major: what the model gives and what post-processing takes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace filbert {

// A value: copying copies the numbers. `shape` multiplies to `data.size()`.
struct Tensor {
  std::vector<std::size_t> shape;  // [rows, columns], say
  std::vector<float> data;

  Tensor() = default;
  // Zeros of this shape.
  explicit Tensor(std::vector<std::size_t> shape);

  std::size_t rows() const { return shape.empty() ? 0 : shape.front(); }
  // Elements of one step along the first axis: columns of a matrix.
  std::size_t row_size() const { return rows() == 0 ? 0 : data.size() / rows(); }

  // One step along the first axis; valid while the tensor lives and keeps its size. `row` must be below rows().
  std::span<float> operator[](std::size_t row) { return {data.data() + row * row_size(), row_size()}; }
  std::span<const float> operator[](std::size_t row) const { return {data.data() + row * row_size(), row_size()}; }
};

}  // namespace filbert
