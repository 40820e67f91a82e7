#include "base/sha256.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <sys/types.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sha2.h>

#include "base/file.h"

namespace filbert {
namespace {

void update(SHA2_CTX& state, std::span<const std::byte> bytes) {
  SHA256Update(&state, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string digits(SHA2_CTX& state) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256Final(digest.data(), &state);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace

std::string sha256_of(std::string_view bytes) {
  SHA2_CTX state;
  SHA256Init(&state);
  update(state, std::as_bytes(std::span(bytes)));
  return digits(state);
}

std::string sha256_of_file(const std::filesystem::path& path) {
  constexpr std::size_t kPart = std::size_t{1} << 24;  // what is done is given back, so that a large file does not fill the memory
  const MappedFile file(path);
  SHA2_CTX state;
  SHA256Init(&state);
  for (std::size_t begin = 0; begin < file.bytes().size(); begin += kPart) {
    const std::span<const std::byte> part = file.bytes().subspan(begin, std::min(kPart, file.bytes().size() - begin));
    update(state, part);
    file.release(part);
  }
  return digits(state);
}

}  // namespace filbert
