// Stage 2: input_ids in, logits out. Behaviour: transformers' …ForSequenceClassification and …ForTokenClassification of the checkpoint's
// model_type, in evaluation mode; first of all BERT (models/bert/modeling_bert.py; Devlin et al., 2018, arXiv 1810.04805).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/config.h>
#include <filbert/hub.h>
#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

namespace filbert {

// What the linear layers of the encoder, nearly all of the work, compute in. Every CPU can run each of them; the rest of the
// model, the pooler and the classifier are f32 in any case.
enum class ComputeDtype {
  f32,        // exact: the numbers of transformers
  bf16,       // weights and activations rounded to bf16, sums in f32: half the memory, twice the speed with AVX512-BF16
  int8,       // weights to 8 bits a column, activations to 8 bits a token: a quarter of the memory, the fastest
  automatic,  // int8 where the CPU has 8-bit dot products (VNNI), else f32
};
// "f32", "bf16", "int8", "auto". Throws Error(invalid_argument) for any other word.
ComputeDtype compute_dtype_from_name(std::string_view name);
std::string_view name(ComputeDtype dtype);

struct ModelOptions {
  unsigned num_threads = 0;  // 0: what the affinity mask and the cgroup's CPU quota allow
  std::optional<ComputeDtype> dtype = {};  // absent: f32, or int8 where the checkpoint is quantized (quantize.h)
  // Tokens that a call has in flight at once, over all threads: what bounds its scratch memory, whatever the batch. A text
  // that is longer than a thread's share goes through alone. At least 1.
  std::size_t max_batch_tokens = 4096;
};

struct Model;  // src/infer/model.h

// What every loaded model says of itself. Const after loading. A copy costs nothing: it shares the weights.
class PreTrainedModel {
 public:
  const Config& config() const;
  unsigned num_threads() const;
  const char* kernels() const;          // the kernel table in use: "scalar", "avx2", "avx512", …
  std::size_t weight_bytes() const;     // memory held by the weights once loaded, with the part of the file that is used as it lies
  std::string dtype() const;            // of the file's tensors: "F32", "F16", "BF16" or "F16, F32"
  ComputeDtype compute_dtype() const;   // what the linear layers compute in; never automatic
  std::size_t num_parameters() const;
  const Model& internals() const { return *model_; }  // for the library's own parts; it may change with any version

  PreTrainedModel(const PreTrainedModel&);
  PreTrainedModel& operator=(const PreTrainedModel&);
  PreTrainedModel(PreTrainedModel&&) noexcept;
  PreTrainedModel& operator=(PreTrainedModel&&) noexcept;

 protected:
  explicit PreTrainedModel(std::unique_ptr<const Model> model);
  ~PreTrainedModel();
  std::shared_ptr<const Model> model_;  // several pipelines over one model, as Python's callers make them
};

// What a call gives beside the logits. Names are those of transformers where it has them.
struct OutputOptions {
  bool output_hidden_states = false;
  bool output_attentions = false;
  bool output_queries_keys_values = false;
  bool output_contexts = false;
  std::optional<std::vector<std::size_t>> layers = {};  // of these alone; absent: of all. ALBERT's run more than once, and are counted as they run
};

// Of the encoder's layers, in f32 whatever they compute in, from the very pass that gave the logits; docs/infer.md says what differs by family.
// What was not asked for is empty, be it all, or the place of a layer. `attention_size` is heads · head_size, a head's numbers side by side.
struct EncoderOutputs {
  // [num_layers + 1] of [total_tokens, hidden_size]: what a layer takes; and at the next place what it gives, which the last layer's is
  // what the head looks at.
  std::vector<Tensor> hidden_states;
  // [num_layers] of [batch_size] of [heads, tokens, tokens]: of a query (row) the weight of each key's value; a row sums to 1.
  std::vector<std::vector<Tensor>> attentions;
  // [num_layers] of [total_tokens, attention_size], as the dot product takes them, before it is scaled: with the bias, and turned by position.
  std::vector<Tensor> queries, keys, values;
  std::vector<Tensor> contexts;  // the same: the weighted sums of values, before the projection that follows
};

struct SequenceClassifierOutput {
  Tensor logits;  // [batch_size, num_labels]
  EncoderOutputs outputs = {};
};

// A label for each text. operator() may be called from many threads at once.
class AutoModelForSequenceClassification : public PreTrainedModel {
 public:
  // Reads config.json and the weights, of a directory or of the Hub: model.safetensors or pytorch_model.bin, in one file or in several; F32,
  // F16 or BF16; mapped, not copied where they can be used as they lie. Throws Error: what find_checkpoint() throws; not_found; corrupt
  // (tensors missing, surplus or of the wrong shape are all named, a file that lies about its sizes); unsupported (a model_type,
  // activation or dtype that this version cannot run, a head for another task, a pickle that is no state dict, or a quantized
  // checkpoint that is to run in another dtype).
  static AutoModelForSequenceClassification from_pretrained(const std::filesystem::path& checkpoint,
                                                            const ModelOptions& options = {});
  static AutoModelForSequenceClassification from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub,
                                                            const ModelOptions& options = {});

  // One row of logits for each row of `inputs`; a row's bits do not depend on its company or on the number of threads.
  // Throws Error(invalid_argument): a row longer than config().max_tokens, an id outside the embedding table.
  SequenceClassifierOutput operator()(const BatchEncoding& inputs) const;
  // The same logits, bit for bit, and what `outputs` asks for. Throws the same, and Error(invalid_argument) for a layer that the model
  // does not have.
  SequenceClassifierOutput operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const;

  explicit AutoModelForSequenceClassification(std::unique_ptr<const Model> model);
};

struct TokenClassifierOutput {
  Tensor logits;  // [total_tokens, num_labels], in the order of input_ids
  EncoderOutputs outputs = {};
};

// A label for each token. As the class above in everything else.
class AutoModelForTokenClassification : public PreTrainedModel {
 public:
  static AutoModelForTokenClassification from_pretrained(const std::filesystem::path& checkpoint, const ModelOptions& options = {});
  static AutoModelForTokenClassification from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub,
                                                         const ModelOptions& options = {});

  TokenClassifierOutput operator()(const BatchEncoding& inputs) const;
  TokenClassifierOutput operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const;

  explicit AutoModelForTokenClassification(std::unique_ptr<const Model> model);
};

using BertForSequenceClassification = AutoModelForSequenceClassification;

}  // namespace filbert
