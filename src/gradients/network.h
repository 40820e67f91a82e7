// A classifier as stages on a tape: from word embeddings through the layers to logits. Each family's stages compute what its files of
// src/infer compute; tests/gradients holds their logits against the engine's.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "gradients/tape.h"

namespace filbert {

// What a stage is about. `fixed` is fixed_embeddings(), whose positions and types stay those of the text whatever the words are.
template <typename T>
struct Pass {
  const Model& model;
  const Unit& unit;
  Tape<T>& tape;
  const std::vector<float>& fixed;
};

template <typename T>
using Stage = std::function<typename Tape<T>::Value(const Pass<T>&, typename Tape<T>::Value)>;

// In order: stage 0 takes words [tokens, embedding_size] and gives what the embeddings give; the last one gives logits
// [rows or tokens, num_labels]. Throws Error(unsupported) for a family that has no stages.
template <typename T>
std::vector<Stage<T>> stages_of(const Model& model);

// What BERT's layers share with those of other families.
template <typename T>
struct Attention {
  typename Tape<T>::Value query, key_value;
  typename Tape<T>::Value kept;  // of what they are made of, what the layer goes on with
};
template <typename T>
Attention<T> project(const Pass<T>& pass, const EncoderLayer& layer, Keep keep, typename Tape<T>::Value x);
// The layer's state from the context of its attention.
template <typename T>
typename Tape<T>::Value after_attention(const Pass<T>& pass, const EncoderLayer& layer, typename Tape<T>::Value context, typename Tape<T>::Value kept);
template <typename T>
typename Tape<T>::Value add_and_norm(const Pass<T>& pass, typename Tape<T>::Value projected, typename Tape<T>::Value residual, const LayerNorm& norm);
template <typename T>
typename Tape<T>::Value feed_forward(const Pass<T>& pass, const EncoderLayer& layer, typename Tape<T>::Value x);

// Beside each other in a row of each token: those at `distances` from it in its text, zeros beyond the ends.
template <typename T>
typename Tape<T>::Value neighbours(const Pass<T>& pass, typename Tape<T>::Value x, const std::vector<std::ptrdiff_t>& distances);

}  // namespace filbert
