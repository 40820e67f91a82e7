#include "cli/file_hashes.h"

#include <utility>

#include "base/sha256.h"
#include "load/fingerprint.h"

namespace filbert::cli {

std::future<FileHashes> hash_files(std::filesystem::path input, std::filesystem::path model, std::optional<std::filesystem::path> against) {
  return std::async(std::launch::async, [input = std::move(input), model = std::move(model), against = std::move(against)] {
    return FileHashes{weights_sha256(model), tokenizer_sha256(model), sha256_of_file(input), against ? weights_sha256(*against) : std::string()};
  });
}

}  // namespace filbert::cli
