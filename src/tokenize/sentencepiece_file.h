// A sentencepiece model (spiece.model, sentencepiece.bpe.model, spm.model): the few fields of its protocol buffers message
// that a tokenizer needs. Tested by families_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/unigram.h"

namespace filbert {

struct SentencePieceFile {
  std::vector<Unigram::Piece> pieces;  // the place is the id; views into the bytes that were read
  std::vector<std::uint64_t> types;    // [pieces]
  std::string_view precompiled_charsmap;
  std::int64_t unk_id = 0;
  bool byte_fallback = false;

  static constexpr std::uint64_t kControl = 3, kUserDefined = 4;  // of `types`

  // Valid while `bytes` lives; `name` leads messages. Throws Error: corrupt (cut off, not UTF-8, no pieces), unsupported
  // (a model that is not unigram).
  static SentencePieceFile from_bytes(std::string_view bytes, std::string_view name);
};

}  // namespace filbert
