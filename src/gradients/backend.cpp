#include "gradients/backend.h"

namespace filbert {

void Backend<float>::product(const MatrixProduct<float>& of, AlignedFloats& scratch) const {
  const KernelTable& kernels = model_.kernels;
  scratch.reserve(packed_size(kernels, of.depth, of.columns));
  of.b_turned ? kernels.pack_transposed(of.b, of.columns, of.depth, of.b_stride, scratch.data())
              : kernels.pack(of.b, of.depth, of.columns, of.b_stride, scratch.data());
  kernels.gemm({.a = of.a, .a_stride = of.a_stride, .rows = of.rows, .b = {scratch.data(), of.depth, of.columns},
                .panel_end = num_panels(kernels, of.columns), .c = of.c, .c_stride = of.c_stride});
}

void Backend<double>::product(const MatrixProduct<double>& of, AlignedBuffer<double>&) const {
  for (std::size_t row = 0; row < of.rows; ++row) {
    for (std::size_t column = 0; column < of.columns; ++column) {
      double sum = 0;
      for (std::size_t at = 0; at < of.depth; ++at) {
        sum += of.a[row * of.a_stride + at] * (of.b_turned ? of.b[column * of.b_stride + at] : of.b[at * of.b_stride + column]);
      }
      of.c[row * of.c_stride + column] = sum;
    }
  }
}

const std::vector<float>& Backend<double>::weight_of(const Linear& layer) {
  std::vector<float>& weight = weights_[&layer];
  if (weight.empty()) weight = unpacked_weight(model_.kernels, layer);
  return weight;
}

void Backend<double>::linear(const Linear& layer, const double* x, std::size_t rows, double* y) {
  const std::vector<float>& weight = weight_of(layer);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t out = 0; out < layer.out; ++out) {
      double sum = layer.bias[out];
      for (std::size_t in = 0; in < layer.in; ++in) sum += x[row * layer.in + in] * weight[out * layer.in + in];
      y[row * layer.out + out] = sum;
    }
  }
}

void Backend<double>::linear_backward(const Linear& layer, const double* dy, std::size_t rows, double* dx) {
  const std::vector<float>& weight = weight_of(layer);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t in = 0; in < layer.in; ++in) {
      double sum = 0;
      for (std::size_t out = 0; out < layer.out; ++out) sum += dy[row * layer.out + out] * weight[out * layer.in + in];
      dx[row * layer.in + in] = sum;
    }
  }
}

}  // namespace filbert
