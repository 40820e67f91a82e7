#include "tokenize/chunks.h"

#include <cstring>

namespace filbert {
namespace {

constexpr std::size_t kBlock = 64;
using Block = signed char[kBlock];  // signed: bytes past ASCII are negative, and SSE2 compares signed bytes only

struct Range {
  signed char first, last;
};
constexpr Range kSpaces[] = {{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}};
constexpr Range kMarks[] = {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}};

// A bit for each byte that is in one of `ranges`. Compilers turn the inner loop into vector code.
template <std::size_t count>
std::uint64_t bits_in(const Range (&ranges)[count], const Block& bytes) {
  Block inside{};
  for (const Range range : ranges) {
    for (std::size_t i = 0; i < kBlock; ++i) inside[i] |= (bytes[i] >= range.first) & (bytes[i] <= range.last);
  }
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kBlock; i += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, inside + i, 8);
    bits |= (eight * 0x0102040810204080u >> 56) << i;  // the product moves the low bit of byte b to bit 56 + b
  }
  return bits;
}

}  // namespace

ChunkEnds chunk_ends(std::string_view bytes) {
  Block block{};  // NUL is in no range
  if (bytes.size() == kBlock) {
    std::memcpy(block, bytes.data(), kBlock);  // a size that is known makes it a few moves
  } else {
    std::memcpy(block, bytes.data(), bytes.size());
  }
  return {bits_in(kSpaces, block), bits_in(kMarks, block)};
}

}  // namespace filbert
