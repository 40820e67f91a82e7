#include "load/new_checkpoint.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "load/checkpoint_files.h"

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
  const auto copy = [&](const char* name) {
    if (std::filesystem::exists(from / name)) write_file_atomic(to / name, read_file(from / name));
  };
  std::ranges::for_each(kTokenizerFiles, copy);
  std::ranges::for_each(kVocabularyFiles, copy);
}

}  // namespace filbert
