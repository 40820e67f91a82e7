// The tests' own writer of what torch.save writes, piece by piece: for files that lie, too. It shares nothing with src/load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace filbert::reference {

// An archive whose entries are stored as they are; with `zip64` the sizes and places stand in the 64-bit records alone.
struct ZipEntry {
  std::string name, bytes;
};
std::string zip_bytes(const std::vector<ZipEntry>& entries, bool zip64 = false);

// Pieces of a pickle of protocol 2. Each leaves one value on the stack.
namespace pickle {

std::string global(std::string_view module, std::string_view name);
std::string text(std::string_view text);
std::string integer(std::int64_t number);
std::string tuple(const std::vector<std::string>& items);
std::string call(const std::string& callable, const std::vector<std::string>& arguments);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string sizes(const std::vector<std::int64_t>& sizes);
// A storage of `elements` of that class ("FloatStorage") under that key, and a tensor that is a part of one.
std::string storage(std::string_view storage_class, std::string_view key, std::int64_t elements);
std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides);

std::string whole(const std::string& value);  // a pickle of it

}  // namespace pickle

// The two layouts of torch.save. `value` leaves the state dict on the stack; the storages are bytes by key.
std::string torch_zip(const std::string& value, const std::map<std::string, std::string>& storages);
std::string torch_legacy(const std::string& value, const std::map<std::string, std::string>& storages, std::size_t element_bytes = 4);

}  // namespace filbert::reference
