// WordPiece: cut a word into the longest known pieces, left to right; a prefix ("##") marks a continuation. One part
// that is not in the vocabulary makes the whole word unknown. Tested by wordpiece_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/model_scratch.h"
#include "tokenize/vocab.h"

namespace filbert {

struct WordPiece {
  Vocab vocab;
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;  // longer words are unknown
  std::int32_t unk_id = 0;                     // of unk_token, which is in `vocab`

  // Reads section `model` of a tokenizer.json. Throws Error: unsupported (another type), corrupt.
  static WordPiece from_json(const JsonValue& model);
  // Fills unk_id. Throws Error(corrupt) if unk_token is not in the vocabulary; `name` leads the
  // message.
  void finish(std::string_view name);

  using Piece = ModelPiece;
  // Appends the pieces of the word text[begin, end), which is not empty; the text is valid UTF-8.
  void tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<Piece>& pieces) const;
};

}  // namespace filbert
