// Where a model looked, through all of its layers: the attention weights of each layer multiplied, so that what a token has gathered from
// others counts where it is looked at in turn. Attention rollout (Abnar and Zuidema, 2020, arXiv 2005.00928), and the weights times their
// gradients for one output (Chefer et al., 2021, arXiv 2103.15679). It is not a cause: docs/explain.md says when it misleads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <filbert/config.h>
#include <filbert/model.h>

namespace filbert {

// Which tokens' last hidden states the head of a sequence classifier looks at.
enum class Pooling { first, last, mean };
// Throws Error(unsupported) as loading does.
Pooling pooling_of(const Config& config);

// How the heads of a layer become one.
enum class HeadFusion { mean, max, min };

struct RolloutOptions {
  Pooling pooling = Pooling::first;
  std::optional<std::size_t> token = {};  // the one whose share is asked, in the place of what `pooling` says: of a token classifier
  // Of attention_rollout() alone.
  HeadFusion fusion = HeadFusion::mean;
  double discard_ratio = 0;               // of each query's weights the smallest are set to 0: this share of them, rounded down; below 1
};

// [tokens] of a row: its share in the token that the head looks at. In each layer the heads become one matrix, half of which is the identity,
// for what passes by the attention; the matrices are multiplied. The token's share in itself is set to 0, as there; with Pooling::mean every
// token is looked at, and keeps its own. `outputs` are those of all layers.
// Throws Error(invalid_argument): a row or token that is not there, a layer without weights, a discard_ratio that is no share.
std::vector<double> attention_rollout(const EncoderOutputs& outputs, std::size_t row, const RolloutOptions& options = {});

// The same with the positive part of weight times gradient, the mean over heads, in the place of the weights, and added to the identity as it is:
// what speaks for the output whose gradients these are. `gradients` [layers] of [heads, tokens, tokens] are by the row's attention weights.
// Throws the same, and for gradients of another shape than the weights.
std::vector<double> gradient_rollout(const EncoderOutputs& outputs, std::size_t row, std::span<const Tensor> gradients,
                                     const RolloutOptions& options = {});

}  // namespace filbert
