// A checkpoint's weights in one safetensors file, whatever files they were in.
#pragma once

#include <filesystem>

namespace filbert {

// Writes the checkpoint in `from`, of any family, to `to`, a new or an empty directory: each tensor of its weight files, bit for
// bit and under its own name, in one model.safetensors, with config.json and the tokenizer's files beside. The weights are
// streamed, not held. Throws Error: not_found, unsupported, corrupt (the files of `from`); invalid_argument (`to` holds files or
// cannot be written; what is then left in it is no checkpoint).
void convert_to_safetensors(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace filbert
