// A classifier in memory, and the steps of its forward pass, each in the file of its name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <filbert/config.h>
#include <filbert/model.h>

#include "base/idle_pool.h"
#include "base/thread_pool.h"
#include "infer/family_weights.h"
#include "infer/distinct_rows.h"
#include "infer/linear.h"
#include "infer/workspace.h"
#include "kernels/kernels.h"
#include "load/config_family.h"
#include "load/weights.h"

namespace filbert {

struct Architecture;

enum class Task { sequence_classification, token_classification, encoder };  // encoder: without a head

// Whose last hidden states a head looks at, and with it how much the last layer has to compute.
enum class Keep { first, last, mean, all };  // the first or the last token of each row, the mean over all of them, each token
inline bool is_one_token(Keep keep) { return keep == Keep::first || keep == Keep::last; }

struct Embeddings {
  const TensorView* word = nullptr;  // [vocab_size, embedding_size], as it lies in the file
  std::vector<float> word_scale;     // [vocab_size] of a word's 8-bit numbers; empty unless the checkpoint is quantized
  PositionIds position_ids = PositionIds::from_zero;
  std::vector<float> position;       // [positions, embedding_size]; empty where nothing is added for the position
  std::vector<float> token_type;     // [type_vocab_size, embedding_size]; empty where nothing is added for the type
  LayerNorm norm;                    // of embedding_size
  std::optional<Linear> projection;  // [embedding_size, hidden_size], after the norm
};

struct EncoderLayer {
  Linear query;       // [hidden_size, attention_size], which is hidden_size in all but one family
  Linear key_value;   // [hidden_size, 2 · attention_size]: a key and a value side by side
  Linear attention_output;
  LayerNorm attention_norm;
  Linear intermediate;
  Linear output;
  LayerNorm output_norm;
};

// See HeadRow of architecture.h.
struct Head {
  std::optional<Linear> dense;  // [hidden_size, hidden_size]
  Activation activation = Activation::none;
  std::optional<LayerNorm> norm;
  Linear out;                   // [hidden_size, num_labels]; of an encoder without a head of no numbers at all
  Keep keep = Keep::first;
};

// Rows end to end that go through the encoder together.
struct Unit {
  std::span<const std::size_t> row_starts;  // [rows + 1], of the batch's arrays
  std::span<const std::int32_t> token_type_ids = {};  // [tokens] of the unit; empty where only embeddings are known
  std::size_t rows() const { return row_starts.size() - 1; }
  std::size_t tokens() const { return row_starts.back() - row_starts.front(); }
  std::size_t start(std::size_t row) const { return row_starts[row] - row_starts.front(); }  // within the unit
  std::size_t length(std::size_t row) const { return row_starts[row + 1] - row_starts[row]; }
  std::size_t kept(Keep keep) const { return is_one_token(keep) ? rows() : tokens(); }
  std::size_t longest() const {  // of its rows
    std::size_t longest = 0;
    for (std::size_t row = 0; row < rows(); ++row) longest = std::max(longest, length(row));
    return longest;
  }
};

// What a call needs besides the workspaces of its units; kept for the next one.
struct CallScratch {
  DistinctRows distinct;
  std::vector<Unit> units;
};

struct Model {
  // Loads with this kernel table; from_pretrained does so with choose_table().
  static std::unique_ptr<const Model> load(const std::filesystem::path& directory, const ModelOptions& options,
                                           const KernelTable& kernels, Task task = Task::sequence_classification);

  // [rows, num_labels], or of each token [total_tokens, num_labels]; see operator() of the public classes.
  Tensor logits(const BatchEncoding& inputs) const;
  // The same, and what `options` asks for.
  Tensor logits(const BatchEncoding& inputs, const OutputOptions& options, EncoderOutputs& outputs) const;
  std::size_t num_layers() const { return layer_order.size(); }  // that run
  // The same from what comes out of embeddings.LayerNorm, [total_tokens, hidden_size]; for tests.
  Tensor logits_from_embeddings(std::span<const float> embedding_output, std::span<const std::size_t> row_starts) const;

  std::size_t weight_bytes() const;

  Config config;
  const Architecture& architecture;
  const KernelTable& kernels;
  Activation activation = Activation::gelu;
  ComputeDtype dtype = ComputeDtype::f32;  // never automatic
  std::size_t max_batch_tokens = 0;
  Weights weights;
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;
  std::vector<std::size_t> layer_order;    // which of them run, one after the other; ALBERT's run more than once
  FamilyWeights family;
  Head head;
  mutable ThreadPool pool;
  mutable IdlePool<Workspace> workspaces;
  mutable IdlePool<CallScratch> calls;

  Model(Config config_, const Architecture& architecture_, const KernelTable& kernels_, Weights weights_, unsigned num_threads)
      : config(std::move(config_)), architecture(architecture_), kernels(kernels_), weights(std::move(weights_)), pool(num_threads) {}
};

// embeddings.cpp: workspace.hidden [tokens, hidden_size] = LayerNorm(word + token_type + position), projected where the family does so
void embed(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace);

// A word's embedding. In int8 it is rounded to 8 bits, where a quantized checkpoint has not done so before.
void read_word(const Model& model, std::size_t word, std::span<float> out);

// encoder.cpp: takes workspace.hidden [tokens, hidden_size] through all layers; what is left in it is the last hidden state of the
// tokens that the head keeps: [rows, hidden_size] where it is one for each row, else [tokens, hidden_size].
void encode(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace);

// head.cpp: logits [rows or tokens, num_labels] from those.
void classify(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace, float* logits);

}  // namespace filbert
