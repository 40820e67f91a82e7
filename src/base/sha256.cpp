#include "base/sha256.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nettle/sha2.h>

#include "base/file.h"

namespace filbert {
namespace {

void update(sha256_ctx& state, std::span<const std::byte> bytes) {
  sha256_update(&state, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string digits_of(sha256_ctx& state) {
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest;
  sha256_digest(&state, digest.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace

bool is_sha256(std::string_view digits) { return digits.size() == 64 && digits.find_first_not_of("0123456789abcdef") == digits.npos; }

std::string sha256_of(std::string_view bytes) {
  sha256_ctx state;
  sha256_init(&state);
  update(state, std::as_bytes(std::span(bytes)));
  return digits_of(state);
}

std::string sha256_of_file(const std::filesystem::path& path) {
  constexpr std::size_t kPart = std::size_t{1} << 24;  // what is done is given back, so that a large file does not fill the memory
  const MappedFile file(path);
  sha256_ctx state;
  sha256_init(&state);
  for (std::size_t begin = 0; begin < file.bytes().size(); begin += kPart) {
    const std::span<const std::byte> part = file.bytes().subspan(begin, std::min(kPart, file.bytes().size() - begin));
    update(state, part);
    file.release(part);
  }
  return digits_of(state);
}

}  // namespace filbert
