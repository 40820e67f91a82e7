// y = activation(x · Wᵀ + b), the weight packed once at load for the kernels that will run it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/thread_pool.h"
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

struct Linear {
  std::size_t in = 0;
  std::size_t out = 0;
  AlignedFloats packed;     // [in, out] in panels
  std::vector<float> bias;  // [out]

  PackedView view() const { return {packed.data(), in, out}; }
};

// Converts `out.size()` numbers of a tensor to f32, from `first_element` on.
void read_f32(const KernelTable& kernels, const TensorView& tensor, std::size_t first_element, std::span<float> out);
std::vector<float> read_f32(const KernelTable& kernels, const TensorView& tensor);

// The linear layers of these names (without ".weight"), side by side: their outputs follow each other in a row.
Linear load_linear(const KernelTable& kernels, const Loop& loop, const Weights& weights,
                   std::initializer_list<std::string> names);

// y [rows, out] of x [rows, in]; rows of x lie `x_stride` floats apart, rows of y `out`.
void apply(const KernelTable& kernels, const Loop& loop, const Linear& linear, Activation activation, const float* x,
           std::size_t x_stride, std::size_t rows, float* y);

}  // namespace filbert
