#include "base/sha1.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sha1.h>

#include "base/file.h"

namespace filbert {

std::string git_sha1_of(std::string_view bytes) {
  const std::string header = fmt::format("blob {}", bytes.size());
  SHA1_CTX state;
  SHA1Init(&state);
  SHA1Update(&state, reinterpret_cast<const std::uint8_t*>(header.c_str()), header.size() + 1);  // with the 0 at its end
  SHA1Update(&state, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  std::array<std::uint8_t, SHA1_DIGEST_LENGTH> digest;
  SHA1Final(digest.data(), &state);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string git_sha1_of_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return git_sha1_of({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace filbert
