// y = activation(x · Wᵀ + b), the weight packed once at load for the kernels that will run it, in f32, bf16 or int8.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <filbert/model.h>

#include "base/aligned.h"
#include "base/thread_pool.h"
#include "infer/quantize.h"
#include "infer/read_f32.h"
#include "infer/workspace.h"
#include "kernels/kernels.h"
#include "load/weights.h"

namespace filbert {

// A loop that runs on the pool, or on the calling thread alone where `pool` is null.
struct Loop {
  ThreadPool* pool = nullptr;

  template <typename Body>
  void operator()(std::size_t count, const Body& body) const {
    if (pool != nullptr) {
      pool->parallel_for(count, body);
    } else {
      for (std::size_t index = 0; index < count; ++index) body(index, 0u);
    }
  }
  unsigned threads() const { return pool != nullptr ? pool->size() : 1; }
};

// `body(row)` for each of `rows` rows, so many at a time.
template <typename Body>
void for_each_row(const Loop& loop, std::size_t rows, const Body& body, std::size_t rows_of_task = 16) {
  loop((rows + rows_of_task - 1) / rows_of_task, [&](std::size_t task, unsigned) {
    for (std::size_t row = task * rows_of_task; row < std::min(rows, (task + 1) * rows_of_task); ++row) body(row);
  });
}

struct LayerNorm {
  std::vector<float> weight, bias;  // [hidden_size]
};

struct Linear {
  std::string name;                        // in Weights, without ".weight", of the first of its parts; none where it lies there in another form
  std::size_t in = 0;
  std::size_t out = 0;
  ComputeDtype dtype = ComputeDtype::f32;  // never automatic
  std::vector<float> bias;                 // [out]
  AlignedFloats packed;                    // f32: [in, out] in panels
  AlignedBuffer<std::byte> narrow;         // bf16, int8: the same, narrow

  // int8 only
  std::vector<float> column_scales;        // [out]
  std::vector<std::int32_t> column_sums;   // [out]
  Smoothing smoothing;
};

// Rows [first, first + rows) of a weight [out, in], which become outputs of a layer.
struct LinearPart {
  std::string weight;            // its name in Weights
  std::size_t first;
  std::size_t rows;
  std::vector<float> bias = {};  // [rows]; none: zeros
};
// A layer of these, side by side, all of one weight's width and with equally many rows: their outputs follow each other in a row.
// `smoothing` counts for int8 alone; an empty one leaves the input as it is.
Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights, std::span<const LinearPart> parts,
                   ComputeDtype dtype = ComputeDtype::f32, const Smoothing& smoothing = {});
// The same of whole linear layers by their names (without ".weight").
Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights, std::span<const std::string> names,
                   ComputeDtype dtype = ComputeDtype::f32, const Smoothing& smoothing = {});
// The same of numbers in memory, `weight` [out, in] and `bias` [out]; nothing of them is kept.
Linear pack_linear(const KernelTable& kernels, const Loop& loop, std::span<const float> weight, std::span<const float> bias,
                   ComputeDtype dtype = ComputeDtype::f32, const Smoothing& smoothing = {});
// name.bias, or `out` zeros where it is not one of the expected tensors.
std::vector<float> read_bias(const KernelTable& kernels, const Weights& weights, const std::string& name, std::size_t out);

// Rows of x [rows, in], `stride` floats apart.
struct Rows {
  const float* x;
  std::size_t stride;
  std::size_t rows;
};

// What multiply() needs of x besides x itself; nothing for f32. Layers of one dtype and smoothing can share it.
void prepare(const KernelTable& kernels, const Loop& loop, const Linear& linear, const Rows& x, PreparedRows& prepared);
// y [rows, out] of x and what prepare() made of it; its rows are `y_stride` floats apart, or end to end where that is 0.
void multiply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
              const PreparedRows& prepared, float* y, std::size_t y_stride = 0);
// Both.
void apply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const Rows& x,
           PreparedRows& prepared, float* y, std::size_t y_stride = 0);

}  // namespace filbert
