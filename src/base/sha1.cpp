#include "base/sha1.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nettle/sha1.h>

#include "base/file.h"

namespace filbert {

std::string git_sha1_of(std::string_view bytes) {
  const std::string header = fmt::format("blob {}", bytes.size());
  sha1_ctx state;
  sha1_init(&state);
  sha1_update(&state, header.size() + 1, reinterpret_cast<const std::uint8_t*>(header.c_str()));  // with the 0 at its end
  sha1_update(&state, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest;
  sha1_digest(&state, digest.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string git_sha1_of_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return git_sha1_of({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace filbert
