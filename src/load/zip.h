// Zip archives as torch.save writes them: entries that are stored as they are, listed in a directory at the end, with the
// 64-bit records that large archives need. Nothing in the file is trusted. Tested by zip_test.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string_view>

namespace filbert {

// Whether the file begins as such an archive does.
bool is_zip(std::span<const std::byte> file);

// The bytes of each entry by its name; both are those of `file`. `file_name` leads every message. Throws Error(corrupt): the
// directory or an entry is cut short, lies outside the file or contradicts the other, entries overlap, a name stands twice;
// Error(unsupported): an entry that is compressed or encrypted. Checksums are not looked at: they would cost reading it all.
std::map<std::string_view, std::span<const std::byte>> read_zip(std::span<const std::byte> file, std::string_view file_name);

}  // namespace filbert
