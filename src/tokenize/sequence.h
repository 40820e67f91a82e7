// The tokens of one text, without special tokens, as the encoder puts them together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <filbert/tokenizer.h>

#include "tokenize/id_buffer.h"

namespace filbert {

struct Sequence {
  IdBuffer ids;                     // [tokens]
  std::vector<std::int32_t> words;  // [tokens], or empty if offsets are not asked for
  std::vector<Offset> offsets;      // [tokens], or empty; in bytes until convert_offsets()
  std::size_t invalid_utf8 = 0;
  std::int32_t next_word = 0;

  void clear() {
    ids.clear();
    words.clear();
    offsets.clear();
    invalid_utf8 = 0;
    next_word = 0;
  }
  void add(std::int32_t id, std::int32_t word, Offset bytes) {
    ids.push_back(id);
    words.push_back(word);
    offsets.push_back(bytes);
  }
};

}  // namespace filbert
