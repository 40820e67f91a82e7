// WordPiece: cut a word into the longest known pieces, left to right; a prefix ("##") marks a continuation. One part
// that is not in the vocabulary makes the whole word unknown. Tested by wordpiece_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/vocab.h"

namespace filbert {

struct WordPiece {
  Vocab vocab;
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;  // longer words are unknown
  std::int32_t unk_id = 0;                     // of unk_token, which is in `vocab`
  RunningHash prefix_hash;                     // of continuing_subword_prefix

  // Reads section `model` of a tokenizer.json. Throws Error: unsupported (another type), corrupt.
  static WordPiece from_json(const JsonValue& model);
  // Fills unk_id and prefix_hash. Throws Error(corrupt) if unk_token is not in the vocabulary; `name` leads the
  // message.
  void finish(std::string_view name);

  struct Piece {
    std::int32_t id;
    std::size_t begin, end;  // bytes of the word
  };
  // Appends the pieces of `word`, valid UTF-8 and not empty. `hashes` is scratch memory.
  void tokenize(std::string_view word, std::vector<Piece>& pieces, std::vector<RunningHash>& hashes) const;
};

}  // namespace filbert
