// Derivatives of the kernels as plain loops, in float or double: the oracle of the vector ones, and what gradients are proved with.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>

#include "kernels/kernels.h"

namespace filbert::plain {

template <typename T>
T sigmoid(T x) {
  return T{1} / (T{1} + std::exp(-x));
}

template <typename T>
T activate(Activation activation, T x) {
  const T cubic = T(0.044715), factor = std::sqrt(T{2} * std::numbers::inv_pi_v<T>);
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu: return T(0.5) * x * (T{1} + std::erf(x * (std::numbers::sqrt2_v<T> / 2)));
    case Activation::gelu_tanh:
    case Activation::gelu_fast: return T(0.5) * x * (T{1} + std::tanh(factor * (x + cubic * x * x * x)));
    case Activation::quick_gelu: return x * sigmoid(T(1.702) * x);
    case Activation::relu: return x < T{0} ? T{0} : x;
    case Activation::silu: return x * sigmoid(x);
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

// d activation(x) / dx; of ReLU at 0 it is 0, as torch has it.
template <typename T>
T slope(Activation activation, T x) {
  const T cubic = T(0.044715), factor = std::sqrt(T{2} * std::numbers::inv_pi_v<T>), half = T(0.5);
  const auto of_sigmoid = [&](T scale) {
    const T s = sigmoid(scale * x);
    return s + scale * x * s * (T{1} - s);
  };
  switch (activation) {
    case Activation::none: return T{1};
    case Activation::gelu: {
      const T density = std::exp(-half * x * x) * factor * half;  // of the normal distribution
      return half * (T{1} + std::erf(x * (std::numbers::sqrt2_v<T> / 2))) + x * density;
    }
    case Activation::gelu_tanh:
    case Activation::gelu_fast: {
      const T t = std::tanh(factor * (x + cubic * x * x * x));
      return half * (T{1} + t) + half * x * (T{1} - t * t) * factor * (T{1} + T{3} * cubic * x * x);
    }
    case Activation::quick_gelu: return of_sigmoid(T(1.702));
    case Activation::relu: return x > T{0} ? T{1} : T{0};
    case Activation::silu: return of_sigmoid(T{1});
    case Activation::tanh: {
      const T t = std::tanh(x);
      return T{1} - t * t;
    }
  }
  return T{1};
}

// dx = dy · slope(x)
template <typename T>
void activate_backward(Activation activation, const T* x, const T* dy, std::size_t count, T* dx) {
  for (std::size_t at = 0; at < count; ++at) dx[at] = dy[at] * slope(activation, x[at]);
}

template <typename T>
struct Moments {
  T mean, inverse_deviation;
};
template <typename T>
Moments<T> moments(const T* x, T epsilon, std::size_t columns) {
  T sum = 0, squares = 0;
  for (std::size_t at = 0; at < columns; ++at) sum += x[at];
  const T mean = sum / static_cast<T>(columns);
  for (std::size_t at = 0; at < columns; ++at) squares += (x[at] - mean) * (x[at] - mean);
  return {mean, T{1} / std::sqrt(squares / static_cast<T>(columns) + epsilon)};
}

template <typename T>
void layer_norm(const T* x, const float* weight, const float* bias, T epsilon, std::size_t columns, T* out) {
  const auto [mean, scale] = moments(x, epsilon, columns);
  for (std::size_t at = 0; at < columns; ++at) out[at] = (x[at] - mean) * scale * static_cast<T>(weight[at]) + static_cast<T>(bias[at]);
}

// dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ with g = dy · weight and x̂ the normalised x
template <typename T>
void layer_norm_backward(const T* x, const T* dy, const float* weight, T epsilon, std::size_t columns, T* dx) {
  const auto [mean, scale] = moments(x, epsilon, columns);
  T sum = 0, along = 0;
  for (std::size_t at = 0; at < columns; ++at) {
    const T g = dy[at] * static_cast<T>(weight[at]);
    sum += g;
    along += g * (x[at] - mean) * scale;
  }
  sum /= static_cast<T>(columns);
  along /= static_cast<T>(columns);
  for (std::size_t at = 0; at < columns; ++at) {
    dx[at] = scale * (dy[at] * static_cast<T>(weight[at]) - sum - (x[at] - mean) * scale * along);
  }
}

template <typename T>
void softmax(T* row, std::size_t columns, T scale) {
  T greatest = row[0], sum = 0;
  for (std::size_t at = 1; at < columns; ++at) greatest = row[at] > greatest ? row[at] : greatest;
  for (std::size_t at = 0; at < columns; ++at) sum += row[at] = std::exp((row[at] - greatest) * scale);
  for (std::size_t at = 0; at < columns; ++at) row[at] /= sum;
}

// Of probabilities = softmax(scale · scores): from the gradient of the probabilities, in place, that of the scores.
template <typename T>
void softmax_backward(const T* probabilities, std::size_t columns, T scale, T* gradient) {
  T sum = 0;
  for (std::size_t at = 0; at < columns; ++at) sum += probabilities[at] * gradient[at];
  for (std::size_t at = 0; at < columns; ++at) gradient[at] = scale * probabilities[at] * (gradient[at] - sum);
}

}  // namespace filbert::plain
