// A checkpoint in 8 bits, which starts at once and is a quarter of the size of one in F32.
#pragma once

#include <cstddef>
#include <filesystem>

namespace filbert {

struct QuantizeOptions {
  // Words drawn at random that the model is run over in f32, to see how far what its layer norms give really lies apart: their 8 bits are then
  // laid where the numbers are. 0: by the norms' weights alone, which gives the bits of ComputeDtype::int8 made at load.
  std::size_t calibration_tokens = 1024;
};

// Writes the checkpoint in `from` to `to`, a new or an empty directory: the encoder's linear layers and the word
// embeddings in 8 bits, everything else as it is, the tokenizer's files beside. from_pretrained() reads it; config.json says what it is by
// quantization_config, so that transformers refuses it. Same bytes for the same checkpoint and kernel table. Throws Error: those of from_pretrained(); invalid_argument (`from` is quantized already, `to` holds files or cannot
// be written; what is then left in it is no checkpoint).
void write_quantized(const std::filesystem::path& from, const std::filesystem::path& to, const QuantizeOptions& options = {});

}  // namespace filbert
