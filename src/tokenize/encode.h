// From texts to rows: the sections applied one after the other. Tested by encode_test.cpp and, against tokenizers
// itself, by tests/parity/tokenizers_parity.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/tokenizer.h"
#include "tokenize/truncation.h"

namespace filbert {

// The tokens of one text, without special tokens.
struct Sequence {
  std::vector<std::int32_t> ids;    // [tokens]
  std::vector<std::int32_t> words;  // [tokens]
  std::vector<Offset> offsets;      // [tokens], or empty if not asked for; in bytes until convert_offsets()
  std::size_t invalid_utf8 = 0;

  void clear();
};

// Fills rows one after the other; holds the scratch memory, so that a batch allocates only for its longest text.
class Encoder {
 public:
  Encoder(const Tokenizer::Impl& tokenizer, const EncodeOptions& options);
  void add_row(const TextInput& input, BatchEncoding& batch);

 private:
  void tokenize(std::string_view text, Sequence& sequence);
  void add_part(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_text(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_words(std::size_t begin, std::size_t end, Sequence& sequence);
  void add_whole(std::int32_t id, NormalizedText::Range bytes, Sequence& sequence);
  void add_sequence(const TemplatePiece& piece, std::size_t tokens, BatchEncoding& batch) const;
  void add_special(const TemplatePiece& piece, BatchEncoding& batch) const;

  const Tokenizer::Impl& tokenizer_;
  const EncodeOptions& options_;
  std::optional<std::size_t> max_length_;

  Sequence sequences_[2];
  std::int32_t next_word_ = 0;
  std::string repaired_;
  NormalizedText normalized_;
  std::vector<AddedTokens::Part> source_parts_, normalized_parts_;
  std::vector<Word> words_;
  std::vector<WordPiece::Piece> pieces_;
  std::vector<RunningHash> hashes_;
};

}  // namespace filbert
