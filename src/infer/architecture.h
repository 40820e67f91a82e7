// What differs between families, as data: a row of a table for each model_type.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>

#include "infer/attention.h"
#include "infer/bert.h"
#include "infer/model.h"
#include "infer/quantize.h"
#include "kernels/kernels.h"
#include "load/config_family.h"
#include "load/weights.h"

namespace filbert {

// A linear layer or LayerNorm: what BERT calls it, which is its name in all of this code, and what the family's files call it.
struct ModuleName {
  std::string_view name;
  std::string_view file_name;
};

// How a head makes logits of last hidden states: out(norm(activation(dense(x)))).
struct HeadRow {
  std::string_view dense = {};                  // none: the hidden states go to `out` as they are
  Activation activation = Activation::none;
  std::string_view norm = {};                   // a LayerNorm between the two, if any
  std::string_view out = "classifier";
  Keep keep = Keep::first;                      // whose last hidden states
  bool has_dense_bias = true;
  bool has_norm_bias = true;
};

// "classifier" on every token.
HeadRow token_head(const Config& config);

// A tensor of a quantized checkpoint by its name there, and the one of the original that it is a copy of.
struct KeptTensor {
  std::string name, of;
};

struct Architecture {
  std::string_view model_type;
  std::string_view prefix;                              // of the base model's tensors in a classifier's checkpoint
  HeadRow (*sequence_head)(const Config& config);
  std::span<const ModuleName> names = {};               // those that differ from BERT's; of a layer's modules without what follows
  std::string_view layer_root = "encoder.layer.{}.";    // of a layer's tensors in the file
  bool has_token_types = true;
  bool has_positions = true;                            // a table of them that is added to the word embeddings
  std::string_view projection = {};                     // of word embeddings to hidden_size; empty if the family has none
  HeadRow (*token_head)(const Config& config) = filbert::token_head;
  // What the family has instead of BERT's embeddings and encoder, or besides them; each in a file of its own.
  void (*expect)(const Config& config, TensorList& tensors) = expect_bert;
  // What int8 makes narrow in a layer with weights of its own (quantize.h), where a file holds a linear layer in another form than [out, in] its numbers,
  // else nothing, and what `filbert quantize` keeps in floats besides.
  std::vector<LinearGroup> (*linear_groups)(const Config& config, std::size_t layer) = bert_groups;
  std::optional<FloatLinear> (*read_linear)(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name) = nullptr;
  std::vector<KeptTensor> (*kept_tensors)(const Config& config) = nullptr;
  void (*load)(Model& model, const Loop& loop) = load_bert;
  void (*embed)(const Model& model, const Loop& loop, const BatchEncoding& inputs, const Unit& unit, Workspace& workspace) = filbert::embed;
  void (*encode)(const Model& model, const Loop& loop, const Unit& unit, Workspace& workspace) = filbert::encode;
  void (*attend)(const Model& model, const Loop& loop, std::size_t layer, const Unit& unit, Keep keep, Workspace& workspace) = filbert::attend;
};

// Of every row.
std::vector<std::string_view> model_types();

// The row for config.model_type. Throws Error(unsupported), naming those there are; also for a position_embedding_type
// other than absolute.
const Architecture& architecture_of(const Config& config);

// An activation by the names of transformers' ACT2FN; `field` of config is where it stands. Throws Error(unsupported) for another.
Activation activation_of(const Config& config, std::string_view field, std::string_view name);
inline Activation activation_of(const Config& config) { return activation_of(config, "hidden_act", config.hidden_act); }

// What `architectures` says that the checkpoint is for; a classifier of texts where it says nothing of a head.
Task task_of(const Config& config);

// The row's head for `task`, which for an encoder is none: `out` is empty. Throws Error(unsupported) if `architectures` names the head of the other task.
HeadRow head_of(const Config& config, Task task);

// A module or tensor by its name in this code, as the family's files have it, without the prefix.
std::string file_name(const Config& config, std::string_view name);

// Which of the embeddings' parts a checkpoint of this config has.
bool has_positions(const Config& config);
bool has_token_types(const Config& config);
bool has_projection(const Config& config);

// Of the row.
std::vector<KeptTensor> kept_tensors(const Config& config);

// Layers with weights of their own, and which of them run one after the other.
std::size_t num_stored_layers(const Config& config);
std::vector<std::size_t> layer_order(const Config& config);

// Every tensor of a classifier, or of an encoder without one, with the shape that config asks for and the name that its family's files have.
std::vector<ExpectedTensor> expected_tensors(const Config& config, Task task = Task::sequence_classification);

}  // namespace filbert
