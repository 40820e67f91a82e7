// PyTorch's own format, pytorch_model.bin: what torch.save makes of a state dict, a dict from names to tensors. Two layouts: a zip
// archive with a pickle and a file a storage (since torch 1.6), and pickles with the storages after them (before). The pickle
// says which part of which storage a tensor is; it is read by pickle.h, which runs nothing. Nothing in the file is trusted.
// Tested by pytorch_test.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "load/safetensors.h"

namespace filbert {

struct PytorchTensors {
  std::vector<TensorView> tensors;           // in the order of the state dict; most are views of the file
  std::vector<std::vector<std::byte>> made;  // what the others are views of: those whose elements do not lie in order
};

// The tensors of a file that torch.save wrote. Valid while the file and `made` live. `file_name` leads every message. Throws
// Error: corrupt (cut short, a storage that is not there or of another size, a tensor past the end of its storage, a name twice);
// unsupported, by name (what is no state dict, a pickle that names or calls anything else, TorchScript, compressed entries,
// big-endian numbers, the tar layout of the first versions of torch, dtypes that safetensors lacks, tensors that together take far more
// than the file).
PytorchTensors parse_pytorch(std::span<const std::byte> file, std::string_view file_name);

}  // namespace filbert
