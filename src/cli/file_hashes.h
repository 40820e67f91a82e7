// The hashes that say in a report what a file was read with.
#pragma once

#include <filesystem>
#include <future>
#include <optional>
#include <string>

namespace filbert::cli {

struct FileHashes {
  std::string weights, tokenizer, input, against;  // against: the weights of another model beside it
};
// Computed beside what the caller goes on with: the directories of the model and of the other one.
std::future<FileHashes> hash_files(std::filesystem::path input, std::filesystem::path model, std::optional<std::filesystem::path> against = {});

}  // namespace filbert::cli
