#include "load/fingerprint.h"

#include <algorithm>
#include <vector>

#include "base/sha256.h"
#include "load/checkpoint_files.h"
#include "load/weight_files.h"

namespace filbert {
namespace {

std::string hash_of(const std::filesystem::path& file) {
  std::error_code none;
  const std::filesystem::path blob = std::filesystem::read_symlink(file, none);
  const std::string name = blob.filename().string();
  return blob.parent_path().filename() == "blobs" && is_sha256(name) ? name : sha256_of_file(file);
}

std::string hash_of_all(const std::vector<std::filesystem::path>& files) {
  if (files.size() == 1) return hash_of(files.front());
  std::string hashes;
  for (const auto& file : files) hashes += hash_of(file) + '\n';
  return sha256_of(hashes);
}

}  // namespace

std::string weights_sha256(const std::filesystem::path& directory) { return hash_of_all(find_weight_files(directory).files); }

std::string tokenizer_sha256(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const char* name) {
    if (std::filesystem::exists(directory / name)) files.push_back(directory / name);
  };
  std::for_each(kTokenizerFiles.begin(), kTokenizerFiles.end(), add);
  std::for_each(kVocabularyFiles.begin(), kVocabularyFiles.end(), add);
  return hash_of_all(files);
}

}  // namespace filbert
