// The gradient of something that logits say, with respect to the embeddings of tokens. Behaviour: torch's autograd over transformers'
// models called with inputs_embeds, in evaluation mode.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <filbert/tokenizer.h>

#include "gradients/tape.h"
#include "infer/model.h"

namespace filbert {

// What is differentiated by: the embedding of each token's word; or what the embeddings give, with type and position, normalised.
enum class GradientInput { words, embeddings };

template <typename T>
struct BackpropagationOptions {
  GradientInput input = GradientInput::words;
  // Sees attention weights and their gradients by the row of the call, from any thread; none where it is null.
  std::function<void(std::size_t row, std::size_t layer, const TapeHead<T>&, const T* weights, const T* gradient)> observer = {};
  // What all threads together may keep of a pass; beyond it, layers are computed again on the way back, each from what it took.
  std::size_t max_bytes = std::size_t{1} << 29;
};

template <typename T>
struct Backpropagated {
  std::vector<T> logits;    // [rows or tokens, num_labels]
  std::vector<T> gradient;  // [total_tokens, width]
};

// From the logits of a row (of a token, for token classifiers; their number in the call) the derivatives of the value by them. Called once for
// each, from any thread.
template <typename T>
using LogitGradient = std::function<void(std::size_t row, std::span<const T> logits, std::span<T> gradient)>;

// How wide the rows of x are. Throws Error(unsupported) as backpropagate().
std::size_t width_of(const Model& model, GradientInput input);
// Of the tokens of `inputs`: their rows of x [total_tokens, width].
template <typename T>
std::vector<T> input_vectors(const Model& model, const BatchEncoding& inputs, GradientInput input);
// What the embeddings make of words [total_tokens, embedding_size] in the places of the tokens of `inputs`.
template <typename T>
std::vector<T> embedded_words(const Model& model, const BatchEncoding& inputs, std::span<const float> words);

// `x` [total_tokens, width] stands for the tokens' own vectors; everything else, types and positions, is theirs. The model must be in f32.
// May be called from many threads at once. Throws Error: invalid_argument for ids that the model does not have, unsupported for a family
// without a way back.
template <typename T>
Backpropagated<T> backpropagate(const Model& model, const BatchEncoding& inputs, std::span<const T> x, const LogitGradient<T>& target,
                                const BackpropagationOptions<T>& options = {});

}  // namespace filbert
