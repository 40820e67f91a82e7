// Chunks: what lies between ASCII white space and ASCII punctuation in a text as given. For a BERT tokenizer a text's
// tokens are those of its chunks and of its punctuation, one after the other, so each can be looked at alone: nothing
// before such a byte changes what comes after it. (Characters that combine are sorted, but only up to the next byte that
// stays.) Found 64 bytes at a time. Tested by chunks_test.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace filbert {

// A bit for each of up to 64 bytes.
struct ChunkEnds {
  std::uint64_t spaces;  // space, \t, \n, \r: the white space that no normalizer removes
  std::uint64_t marks;   // ASCII punctuation
};
ChunkEnds chunk_ends(std::string_view bytes);

// Calls on_chunk(begin, end) for each chunk of text[begin, end), none of them empty, and on_mark(at) for each punctuation
// character, in their order.
template <typename OnChunk, typename OnMark>
void for_each_chunk(std::string_view text, std::size_t begin, std::size_t end, OnChunk on_chunk, OnMark on_mark) {
  std::size_t chunk = begin;
  for (std::size_t block = begin; block < end; block += 64) {
    const ChunkEnds ends = chunk_ends(text.substr(block, end - block < 64 ? end - block : 64));
    for (std::uint64_t left = ends.spaces | ends.marks; left != 0; left &= left - 1) {
      const int bit = std::countr_zero(left);
      const std::size_t at = block + static_cast<std::size_t>(bit);
      if (chunk < at) on_chunk(chunk, at);
      if ((ends.marks >> bit & 1) != 0) on_mark(at);
      chunk = at + 1;
    }
  }
  if (chunk < end) on_chunk(chunk, end);
}

}  // namespace filbert
