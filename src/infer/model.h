// A sequence classifier in memory, and the steps of its forward pass, each in the file of its name.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <filbert/config.h>
#include <filbert/model.h>

#include "base/idle_pool.h"
#include "base/thread_pool.h"
#include "infer/distinct_rows.h"
#include "infer/linear.h"
#include "infer/workspace.h"
#include "kernels/kernels.h"
#include "load/weights.h"

namespace filbert {

struct Embeddings {
  const TensorView* word = nullptr;  // [vocab_size, hidden_size], as it lies in the file
  std::vector<float> word_scale;     // [vocab_size] of a word's 8-bit numbers; empty unless the checkpoint is quantized
  std::vector<float> position;       // [max_position_embeddings, hidden_size]
  std::vector<float> token_type;     // [type_vocab_size, hidden_size]
  LayerNorm norm;
};

struct EncoderLayer {
  Linear query;       // [hidden_size, hidden_size]
  Linear key_value;   // [hidden_size, 2 · hidden_size]: a key and a value side by side
  Linear attention_output;
  LayerNorm attention_norm;
  Linear intermediate;
  Linear output;
  LayerNorm output_norm;
};

// Rows end to end that go through the encoder together.
struct Unit {
  std::span<const std::size_t> row_starts;  // [rows + 1], of the batch's arrays
  std::size_t rows() const { return row_starts.size() - 1; }
  std::size_t tokens() const { return row_starts.back() - row_starts.front(); }
  std::size_t start(std::size_t row) const { return row_starts[row] - row_starts.front(); }  // within the unit
  std::size_t length(std::size_t row) const { return row_starts[row + 1] - row_starts[row]; }
};

// What a call needs besides the workspaces of its units; kept for the next one.
struct CallScratch {
  DistinctRows distinct;
  std::vector<Unit> units;
};

struct AutoModelForSequenceClassification::Impl {
  // Loads with this kernel table; from_pretrained does so with choose_table().
  static std::unique_ptr<const Impl> load(const std::filesystem::path& directory, const ModelOptions& options,
                                          const KernelTable& kernels);

  // [rows, num_labels]; see operator() of the public class.
  Tensor logits(const BatchEncoding& inputs) const;
  // The same from what comes out of embeddings.LayerNorm, [total_tokens, hidden_size]; for tests.
  Tensor logits_from_embeddings(std::span<const float> embedding_output, std::span<const std::size_t> row_starts) const;

  std::size_t weight_bytes() const;

  Config config;
  const KernelTable& kernels;
  Activation activation = Activation::gelu;
  ComputeDtype dtype = ComputeDtype::f32;  // never automatic
  std::size_t max_batch_tokens = 0;
  Weights weights;
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;
  Linear pooler;
  Linear classifier;
  mutable ThreadPool pool;
  mutable IdlePool<Workspace> workspaces;
  mutable IdlePool<CallScratch> calls;

  Impl(Config config_, const KernelTable& kernels_, Weights weights_, unsigned num_threads)
      : config(std::move(config_)), kernels(kernels_), weights(std::move(weights_)), pool(num_threads) {}
};
using Model = AutoModelForSequenceClassification::Impl;

// embeddings.cpp: hidden [tokens, hidden_size] = LayerNorm(word + token_type + position)
void embed(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, float* hidden);

// attention.cpp: context [query rows, hidden_size] from workspace.query and workspace.key_value. With `first_tokens_only`
// there is one query for each row of the unit, that of its first token, else one for each token.
void attend(const Model& model, const Loop& loop, const Unit& unit, bool first_tokens_only, Workspace& workspace);

// encoder.cpp: takes workspace.hidden [tokens, hidden_size] through all layers; what is left in it is the last hidden
// state of the first token of each row, [rows, hidden_size]: all that a sequence classifier looks at.
void encode(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);

// head.cpp: logits [rows, num_labels] from those.
void classify(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace, float* logits);

}  // namespace filbert
