// Random checkpoints small enough to be written anew by each test, in the layout of the Hugging Face Hub.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "reference/array_file.h"

namespace filbert::reference {

// A directory that is removed with everything in it when this object dies.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }
  // Writes `path()`/`name`, the folders on the way included, and returns where it is.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The same numbers from the same seed with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // A whole number in [low, high].
  std::size_t between(std::size_t low, std::size_t high);
  double uniform();  // [0, 1)
  double normal();
  template <typename T>
  const T& pick(const std::vector<T>& choices) {
    return choices[between(0, choices.size() - 1)];
  }

 private:
  std::mt19937_64 engine_;
};

// What to write. Weights are drawn so that logits are of the size of trained ones, not near zero.
struct TinyCheckpoint {
  std::uint64_t seed = 1;
  std::size_t vocab_size = 101;
  std::size_t hidden_size = 32;
  std::size_t num_hidden_layers = 2;
  std::size_t num_attention_heads = 2;
  std::size_t intermediate_size = 64;
  std::size_t max_position_embeddings = 64;
  std::size_t type_vocab_size = 2;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12;
  std::vector<std::string> labels = {"NEGATIVE", "POSITIVE"};

  std::string dtype = "F32";        // of the stored tensors: F32, F16 or BF16
  bool bert_prefix = true;          // "bert.encoder…" or "encoder…"
  bool gamma_beta = false;          // LayerNorm.gamma and .beta, as checkpoints of 2018 have them
  std::function<void(nlohmann::ordered_json&)> edit_config = {};   // the last word on config.json
  std::function<void(Arrays&)> edit_tensors = {};                  // the last word on the tensors
};

// The same for labels of tokens: those of names, and no pooler.
TinyCheckpoint tiny_finder(std::uint64_t seed = 1);

// The parts, for tests that want them apart.
nlohmann::ordered_json tiny_config(const TinyCheckpoint& checkpoint);
Arrays tiny_tensors(const TinyCheckpoint& checkpoint);
// [PAD] [UNK] [CLS] [SEP] [MASK], letters, ##letters, digits and marks, common words, then word0, word1, …; a line each.
std::string tiny_vocab(std::size_t vocab_size);

// Writes config.json, vocab.txt, tokenizer_config.json and model.safetensors into `directory`, which is made if need be.
void write_checkpoint(const TinyCheckpoint& checkpoint, const std::filesystem::path& directory);
TemporaryDirectory write_checkpoint(const TinyCheckpoint& checkpoint);

// A checkpoint of a random shape: 1 to 4 layers, heads of 8 to 64, odd sizes wherever a size may be odd.
TinyCheckpoint random_shape(Random& random);

}  // namespace filbert::reference
