// A checkpoint in 8 bits, which starts at once and is a quarter of the size of one in F32.
#pragma once

#include <filesystem>

namespace filbert {

// Writes the checkpoint in `from` to `to`, a new or an empty directory: the encoder's linear layers and the word
// embeddings in 8 bits, everything else as it is, the tokenizer's files beside. from_pretrained() reads it and gives the bits
// that `from` gives with ComputeDtype::int8; config.json says what it is by quantization_config, so that transformers refuses
// it. Throws Error: those of from_pretrained(); invalid_argument (`from` is quantized already, `to` holds files or cannot
// be written; what is then left in it is no checkpoint).
void write_quantized(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace filbert
