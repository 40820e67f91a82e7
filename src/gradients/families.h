// What a family has on a tape: a row for each model_type.
#pragma once

#include <cstddef>
#include <string_view>

#include "gradients/network.h"

namespace filbert {

template <typename T>
struct TapeFamily {
  std::string_view model_type;
  // How wide that is what the embeddings give.
  std::size_t Config::*embedded_size;
  // Words to what the embeddings give.
  typename Tape<T>::Value (*embed)(const Pass<T>&, typename Tape<T>::Value);
  // Layer `step` of those that run. Where one token is kept of each row, it gives that one's state.
  typename Tape<T>::Value (*layer)(const Pass<T>&, std::size_t step, Keep keep, typename Tape<T>::Value);
  // Between the embeddings and the layers, and behind the layers; null: nothing.
  typename Tape<T>::Value (*enter)(const Pass<T>&, typename Tape<T>::Value) = nullptr;
  typename Tape<T>::Value (*leave)(const Pass<T>&, typename Tape<T>::Value) = nullptr;
};

// The row of a model. Throws Error(unsupported) where there is none.
template <typename T>
const TapeFamily<T>& tape_family(const Model& model);

// BERT's.
template <typename T>
typename Tape<T>::Value embed_sums(const Pass<T>& pass, typename Tape<T>::Value words);
template <typename T>
typename Tape<T>::Value project_embeddings(const Pass<T>& pass, typename Tape<T>::Value embedded);

// A layer of BERT but for what its attention has besides q · k.
template <typename T>
typename Tape<T>::Value bert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x, const ScoreTerms<T>& terms = {});

TapeAttention tape_attention(const Model& model, std::size_t step, Keep keep);

// Those of the files of their names.
template <typename T>
typename Tape<T>::Value roformer_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value modernbert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value modernbert_leave(const Pass<T>& pass, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value deberta_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value xlnet_embed(const Pass<T>& pass, typename Tape<T>::Value words);
template <typename T>
typename Tape<T>::Value xlnet_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value convbert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);
template <typename T>
typename Tape<T>::Value mobilebert_embed(const Pass<T>& pass, typename Tape<T>::Value words);
template <typename T>
typename Tape<T>::Value mobilebert_layer(const Pass<T>& pass, std::size_t step, Keep keep, typename Tape<T>::Value x);

}  // namespace filbert
