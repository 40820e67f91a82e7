// The arithmetic under a tape: in float by the model's kernels and threads, in double by plain loops, with which gradients are proved.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "infer/model.h"
#include "infer/turned_linears.h"
#include "kernels/backward.h"
#include "kernels/kernels.h"

namespace filbert {

// c = a · b, or a · bᵀ. Rows lie `…_stride` numbers apart.
template <typename T>
struct MatrixProduct {
  const T* a;                // [rows, depth]
  std::size_t a_stride, rows;
  const T* b;                // [depth, columns], or turned [columns, depth]
  std::size_t b_stride;
  bool b_turned;
  std::size_t depth, columns;
  T* c;                      // [rows, columns]
  std::size_t c_stride;
};

template <typename T>
class Backend;

template <>
class Backend<float> {
 public:
  // `model` in f32; it must outlive this. `loop` is the model's pool, or no threads.
  Backend(const Model& model, Loop runs_on) : loop(runs_on), model_(model) {}

  void linear(const Linear& layer, const float* x, std::size_t rows, float* y) const {
    PreparedRows none;
    apply(model_.kernels, loop, layer, Activation::none, {x, layer.in, rows}, none, y);
  }
  void linear_backward(const Linear& layer, const float* dy, std::size_t rows, float* dx) const {
    linear(model_.turned.of(model_.kernels, loop, layer), dy, rows, dx);
  }
  // `scratch` is of one thread.
  void product(const MatrixProduct<float>& of, AlignedFloats& scratch) const;

  void add(const float* x, std::size_t count, float* out) const { model_.kernels.add(x, count, out); }
  void activate(Activation activation, const float* x, std::size_t count, float* out) const { model_.kernels.activate(activation, x, count, out); }
  void activate_backward(Activation activation, const float* x, const float* dy, std::size_t count, float* dx) const {
    model_.kernels.activate_backward(activation, x, dy, count, dx);
  }
  void layer_norm(const float* x, const LayerNorm& norm, float epsilon, float* out) const {
    model_.kernels.layer_norm(x, nullptr, norm.weight.data(), norm.bias.data(), epsilon, norm.weight.size(), out);
  }
  void layer_norm_backward(const float* x, const float* dy, const LayerNorm& norm, float epsilon, float* dx) const {
    model_.kernels.layer_norm_backward(x, dy, norm.weight.data(), epsilon, norm.weight.size(), dx);
  }
  void softmax(float* row, std::size_t columns, float scale) const { model_.kernels.softmax(row, columns, scale); }
  void softmax_backward(const float* probabilities, std::size_t columns, float scale, float* gradient) const {
    model_.kernels.softmax_backward(probabilities, columns, scale, gradient);
  }

  const Loop loop;

 private:
  const Model& model_;
};

template <>
class Backend<double> {
 public:
  Backend(const Model& model, Loop = {}) : model_(model) {}

  void linear(const Linear& layer, const double* x, std::size_t rows, double* y);
  void linear_backward(const Linear& layer, const double* dy, std::size_t rows, double* dx);
  void product(const MatrixProduct<double>& of, AlignedBuffer<double>& scratch) const;

  void add(const double* x, std::size_t count, double* out) const {
    for (std::size_t at = 0; at < count; ++at) out[at] += x[at];
  }
  void activate(Activation activation, const double* x, std::size_t count, double* out) const {
    for (std::size_t at = 0; at < count; ++at) out[at] = plain::activate(activation, x[at]);
  }
  void activate_backward(Activation activation, const double* x, const double* dy, std::size_t count, double* dx) const {
    plain::activate_backward(activation, x, dy, count, dx);
  }
  void layer_norm(const double* x, const LayerNorm& norm, double epsilon, double* out) const {
    plain::layer_norm(x, norm.weight.data(), norm.bias.data(), epsilon, norm.weight.size(), out);
  }
  void layer_norm_backward(const double* x, const double* dy, const LayerNorm& norm, double epsilon, double* dx) const {
    plain::layer_norm_backward(x, dy, norm.weight.data(), epsilon, norm.weight.size(), dx);
  }
  void softmax(double* row, std::size_t columns, double scale) const { plain::softmax(row, columns, scale); }
  void softmax_backward(const double* probabilities, std::size_t columns, double scale, double* gradient) const {
    plain::softmax_backward(probabilities, columns, scale, gradient);
  }

  const Loop loop = {};

 private:
  const std::vector<float>& weight_of(const Linear& layer);

  const Model& model_;
  std::unordered_map<const Linear*, std::vector<float>> weights_;
};

}  // namespace filbert
