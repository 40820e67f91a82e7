// What the writers of checkpoints share. A checkpoint in the making gets its config.json last: without one, it is none.
#pragma once

#include <filesystem>

namespace filbert {

// Makes `path`, or finds it empty. Throws Error(invalid_argument) if it holds files or cannot be made.
void make_new_directory(const std::filesystem::path& path);

// The files, as far as they are there, that any family's tokenizer reads.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace filbert
