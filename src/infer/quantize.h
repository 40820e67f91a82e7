// 8 bits a weight: how the numbers of the encoder are made small, whether at load or once and for all in a checkpoint.
//
// Linear layers: y = x · Wᵀ + b becomes y = x' · W'ᵀ + b', with x' = (x − center) · factor, which the kernels round to 8 bits
// a row when it comes, and W' = W / factor in 8 bits with a scale for each output; b' = b + W · center. Word embeddings: 8 bits
// with a scale for each word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>
#include <filbert/quantize.h>

#include "kernels/kernels.h"
#include "load/weights.h"

namespace filbert {

struct InputRange;

struct Smoothing {
  std::vector<float> center, factor;  // [in]
};

// Linear layers that take the same input and are therefore smoothed alike. Names are those of architecture.h, "encoder.layer.3.attention.self".
struct LinearGroup {
  std::string name;                  // "….input_center" and "….input_factor" are stored under it
  std::vector<std::string> linears;  // without ".weight"
  std::optional<std::string> norm;   // the LayerNorm that gives the input; none where that is the context, the activations or a projection
};
// "encoder.layer.3.", of a layer with weights of its own
std::string layer_root(std::size_t layer);
// Those of BERT's layer, and the ones behind its attention.
std::vector<LinearGroup> bert_groups(const Config& config, std::size_t layer);
std::vector<LinearGroup> groups_after_attention(std::size_t layer);
// The LayerNorm whose outputs the layer begins with, where each ends with "output.LayerNorm".
std::optional<std::string> norm_before(const Config& config, std::size_t layer);

// The numbers of a linear layer that a family's files hold in a form of their own.
struct FloatLinear {
  std::vector<float> weight, bias;  // [out, in], [out]
};

// The smoothing of a group: stored in a quantized checkpoint, else chosen. What a LayerNorm gives is centered, and the factor shares
// its spread between inputs and weights as SmoothQuant does (Xiao et al., 2022, arXiv 2211.10438, with alpha 0.5): by `measured`, or
// where that is null by what is known without any run, that its outputs lie around its bias and as far from it as its weight. Other
// inputs are left as they are.
Smoothing smoothing_of(const KernelTable& kernels, const Weights& weights, const Config& config, const LinearGroup& group,
                       const InputRange* measured = nullptr);

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
