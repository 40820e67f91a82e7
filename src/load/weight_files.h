// Which files of a checkpoint hold its tensors, and the tensors in them: one file or several, safetensors or PyTorch's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "load/safetensors.h"

namespace filbert {

struct WeightFiles {
  std::filesystem::path main;                      // the one file, or the index of several: what leads a message about them all
  std::vector<std::filesystem::path> files;        // in the order in which the index first names them
  bool is_pytorch = false;                         // else safetensors
  std::map<std::string, std::size_t> weight_map;   // which of them has a tensor; empty without an index
};

// The first that is there of model.safetensors, model.safetensors.index.json, pytorch_model.bin and pytorch_model.bin.index.json.
// Throws Error: not_found (none is there); corrupt (an index that is not one, that names a tensor twice or a file elsewhere).
WeightFiles find_weight_files(const std::filesystem::path& directory);

// How large those files are together, the index left out. Throws what find_weight_files() throws, and not_found.
std::uintmax_t weight_bytes(const std::filesystem::path& directory);

// Owns what its tensors are views of. Moving it leaves them valid.
struct MappedTensors {
  MappedFile file;
  std::vector<TensorView> tensors;
  std::vector<std::vector<std::byte>> made;  // the data of tensors that the file holds in another order
};

// Maps each of the files and finds its tensors. Throws Error: what parse_safetensors() and parse_pytorch() throw; not_found (a file
// that the index names); corrupt (a tensor that two files have, or that the one named by the index has not).
std::vector<MappedTensors> map_weight_files(const WeightFiles& files);

}  // namespace filbert
