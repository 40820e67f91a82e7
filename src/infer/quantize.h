// 8 bits a weight: how the numbers of the encoder are made small, whether at load or once and for all in a checkpoint.
//
// Linear layers: y = x · Wᵀ + b becomes y = x' · W'ᵀ + b', with x' = (x − center) · factor, which the kernels round to 8 bits
// a row when it comes, and W' = W / factor in 8 bits with a scale for each output; b' = b + W · center. Word embeddings: 8 bits
// with a scale for each word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>
#include <filbert/quantize.h>

#include "kernels/kernels.h"
#include "load/weights.h"

namespace filbert {

struct Smoothing {
  std::vector<float> center, factor;  // [in]
};

// Linear layers of an encoder layer that take the same input and are therefore smoothed alike.
struct LinearGroup {
  std::string_view name;                  // within the layer; "….input_center" and "….input_factor" are stored under it
  std::vector<std::string_view> linears;  // within the layer, without ".weight"
  bool of_layer_norm;                     // the input is what a LayerNorm gives, else the context or the activations
};
const std::vector<LinearGroup>& linear_groups();
// "encoder.layer.3.", of a layer with weights of its own
std::string layer_root(std::size_t layer);

// The smoothing of a group of that layer: stored in a quantized checkpoint, else chosen. The outputs of a LayerNorm vary
// around its bias by about its weight, which is known without any data: the center is the bias, and the factor shares the
// spread between inputs and weights as SmoothQuant does with measured activations (Xiao et al., 2022, arXiv 2211.10438, with
// alpha 0.5). Other inputs are left as they are.
Smoothing smoothing_of(const KernelTable& kernels, const Weights& weights, const Config& config, std::size_t layer, const LinearGroup& group);

// The greatest weight of each input, over all outputs of these tensors [out, in].
std::vector<float> greatest_weights(const KernelTable& kernels, const Weights& weights, std::span<const std::string> tensors);
// The choice itself: the input comes from a LayerNorm of this weight and bias.
Smoothing smoothing_after(std::span<const float> norm_weight, std::span<const float> norm_bias, std::vector<float> greatest_weights);

// `numbers` in 8 bits, in [−127, 127]; returns the scale, times which each of them stands for its number.
float round_to_int8(std::span<const float> numbers, std::int8_t* to);
// Each number becomes what its 8 bits stand for, with the bits that scale times those give.
void round_to_int8(std::span<float> numbers);

// What an output's weights become besides their 8 bits.
struct QuantizedOutput {
  float scale;  // of a weight
  float bias;
};
// `weights` [in] of one output to `to` [in]. `weights` is overwritten.
QuantizedOutput quantize(std::span<float> weights, float bias, const Smoothing& smoothing, std::int8_t* to);

}  // namespace filbert
