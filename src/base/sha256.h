// SHA-256, by nettle.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace filbert {

// Whether it is what these give.
bool is_sha256(std::string_view digits);

// Both give 64 hexadecimal digits in lower case. The file's throws Error as MappedFile does.
std::string sha256_of(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace filbert
