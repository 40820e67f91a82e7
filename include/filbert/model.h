// Stage 2: input_ids in, logits out. Behaviour: transformers' BertForSequenceClassification (models/bert/modeling_bert.py),
// in evaluation mode; the encoder is that of Devlin et al., 2018 (arXiv 1810.04805).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <filbert/config.h>
#include <filbert/tensor.h>
#include <filbert/tokenizer.h>

namespace filbert {

struct ModelOptions {
  unsigned num_threads = 0;  // 0: what the affinity mask and the cgroup's CPU quota allow
};

struct SequenceClassifierOutput {
  Tensor logits;  // [batch_size, num_labels]
};

// Const after loading; operator() may be called from many threads at once. Move-only: it holds the weights.
class AutoModelForSequenceClassification {
 public:
  // Reads `directory`/config.json and model.safetensors (F32, F16 or BF16; mapped, not copied where they can be used as
  // they lie). Throws Error: not_found; corrupt (tensors missing, surplus or of the wrong shape are all named, a file
  // that lies about its sizes); unsupported (a model_type, activation or dtype that this version cannot run).
  static AutoModelForSequenceClassification from_pretrained(const std::filesystem::path& directory,
                                                            const ModelOptions& options = {});

  // One row of logits for each row of `inputs`; a row's bits do not depend on its company or on the number of threads.
  // Throws Error(invalid_argument): a row longer than max_position_embeddings, an id outside the embedding table.
  SequenceClassifierOutput operator()(const BatchEncoding& inputs) const;

  const Config& config() const;
  unsigned num_threads() const;
  const char* kernels() const;          // the kernel table in use: "scalar", "avx2", "avx512", …
  std::size_t weight_bytes() const;     // memory held by the weights once loaded, the mapped file included
  std::string dtype() const;            // of the file's tensors: "F32", "F16", "BF16" or "F16, F32"
  std::size_t num_parameters() const;

  struct Impl;  // src/infer/model.h
  explicit AutoModelForSequenceClassification(std::unique_ptr<const Impl> impl);
  AutoModelForSequenceClassification(AutoModelForSequenceClassification&&) noexcept;
  AutoModelForSequenceClassification& operator=(AutoModelForSequenceClassification&&) noexcept;
  ~AutoModelForSequenceClassification();

 private:
  std::unique_ptr<const Impl> impl_;
};

using BertForSequenceClassification = AutoModelForSequenceClassification;

}  // namespace filbert
