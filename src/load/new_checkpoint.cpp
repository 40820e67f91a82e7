#include "load/new_checkpoint.h"

#include <system_error>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"

namespace filbert {

void make_new_directory(const std::filesystem::path& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (!failure && !std::filesystem::is_empty(path, failure) && !failure) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected a new or an empty directory, found one with files", path.string()));
  }
  if (failure) throw Error(ErrorKind::invalid_argument, fmt::format("{}: cannot create: {}", path.string(), failure.message()));
}

void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
                           "vocab.json", "merges.txt", "spiece.model", "spm.model", "sentencepiece.bpe.model"}) {
    if (std::filesystem::exists(from / name)) write_file_atomic(to / name, read_file(from / name));
  }
}

}  // namespace filbert
