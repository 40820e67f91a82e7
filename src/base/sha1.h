// SHA-1 as git uses it, by nettle: the name that the Hub gives a small file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace filbert {

// Both give what `git hash-object` prints of the bytes: 40 hexadecimal digits in lower case. The file's throws Error as MappedFile does.
std::string git_sha1_of(std::string_view bytes);
std::string git_sha1_of_file(const std::filesystem::path& path);

}  // namespace filbert
