// Numbers in files: the least byte first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace filbert {

// The number in the `width` bytes, at most 8, that begin at `at`. They must be there.
inline std::uint64_t read_little_endian(std::span<const std::byte> bytes, std::size_t at, std::size_t width) {
  std::uint64_t number = 0;
  for (std::size_t byte = 0; byte < width; ++byte) number |= std::to_integer<std::uint64_t>(bytes[at + byte]) << (8 * byte);
  return number;
}

}  // namespace filbert
