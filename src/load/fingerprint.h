// Which checkpoint this is, whatever it is called: the hash of its weights, and of what its tokenizer is read from.
#pragma once

#include <filesystem>
#include <string>

namespace filbert {

// 64 hexadecimal digits. The sha256 of the file that holds the weights; of several, of their hashes in the order of the index, a line
// each. A file of the Hub's cache is not read: its name there is its hash. Throws Error as find_weight_files() does.
std::string weights_sha256(const std::filesystem::path& directory);

// The same of the files that a tokenizer can be read from, those that are there.
std::string tokenizer_sha256(const std::filesystem::path& directory);

}  // namespace filbert
