// THE ORACLE, FOR TESTS ONLY: BERT for sequence classification in plain loops over doubles, to be read beside the paper
// (Devlin et al., 2018, arXiv 1810.04805) and transformers' models/bert/modeling_bert.py. It is slow on purpose: nothing
// is fused, packed or reused. It shares no code with src/, so that the two cannot be wrong together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/array_file.h"

namespace filbert::reference {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;  // [tokens][features]

// What `hidden_act` names, as transformers' activations.py defines it. Throws std::runtime_error for a name that
// ACT2FN has and BERT checkpoints do not use.
double activation(std::string_view hidden_act, double x);
// Every name that `activation` takes.
std::vector<std::string> activation_names();

class ReferenceBert {
 public:
  // Reads `directory`/config.json and model.safetensors, names with or without "bert.", gamma/beta or weight/bias.
  explicit ReferenceBert(const std::filesystem::path& directory);

  // [num_labels] of one row.
  Vector logits(std::span<const std::int32_t> input_ids, std::span<const std::int32_t> token_type_ids) const;
  // The same from the output of embeddings.LayerNorm, [tokens][hidden_size].
  Vector logits_from_embeddings(const Matrix& embedding_output) const;

 private:
  const Array& tensor(const std::string& name) const;
  Matrix embeddings(std::span<const std::int32_t> input_ids, std::span<const std::int32_t> token_type_ids) const;
  Matrix self_attention(const std::string& layer, const Matrix& hidden) const;
  Matrix encoder_layer(const std::string& layer, const Matrix& hidden) const;
  Matrix linear(const std::string& name, const Matrix& inputs) const;
  Matrix layer_norm(const std::string& name, const Matrix& inputs) const;

  Arrays tensors_;  // names without "bert.", and with weight and bias
  std::size_t num_hidden_layers_;
  std::size_t num_attention_heads_;
  double layer_norm_eps_;
  std::string hidden_act_;
};

}  // namespace filbert::reference
