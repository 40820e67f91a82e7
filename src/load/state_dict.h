// A state dict as its pickle describes it: for each tensor, which elements of which storage, whose bytes lie elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "load/pickle.h"
#include "load/safetensors.h"

namespace filbert {

struct PickledStorage {
  std::string_view key;  // its name within the file
  std::uint64_t elements = 0;
};

// Nothing but its form has been checked; the text is that of the bytes that the pickle was read from.
struct PickledTensor {
  std::string_view name;
  const DtypeInfo* dtype = nullptr;
  PickledStorage storage;
  std::uint64_t offset = 0;  // in elements, as the strides are
  std::vector<std::size_t> shape, strides;  // as many
};

// read_pickle() with the names that a state dict needs.
Pickle read_state_dict_pickle(std::span<const std::byte> bytes, std::string_view where);

// Throws Error: unsupported (another object than a dict whose values are all tensors); corrupt (a tensor's description is not of
// its form, a name twice or not UTF-8). `where` leads every message.
std::vector<PickledTensor> tensors_of(const Pickle& pickle, std::string_view where);

}  // namespace filbert
