// From texts to rows: the sections applied one after the other. Tested by encode_test.cpp and, against tokenizers
// itself, by tests/parity/tokenizers_parity.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/chunk_cache.h"
#include "tokenize/sections.h"
#include "tokenize/sequence.h"
#include "tokenize/tokenizer.h"
#include "tokenize/truncation.h"

namespace filbert {

// Fills rows, one or several windows a text; holds the scratch memory, so that it allocates only for the longest text. For one thread.
class Encoder {
 public:
  explicit Encoder(const Tokenizer::Impl& tokenizer);
  void add_rows(const TextInput& input, const EncodeOptions& options, BatchEncoding& batch);
  void add_rows(const WordsInput& input, const EncodeOptions& options, BatchEncoding& batch);
  std::size_t longest_text() const { return longest_text_; }  // bytes; what the scratch memory has grown for

 private:
  void begin(const EncodeOptions& options);
  void add_rows_of_sequences(bool is_pair, BatchEncoding& batch) const;
  void tokenize(std::string_view text, Sequence& sequence);
  void add_part(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_chunks(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_chunk(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_new_chunk(const ShortString& chunk, std::string_view text, std::size_t begin, std::size_t end,
                     Sequence& sequence);
  void add_text(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_words(std::size_t begin, std::size_t end, Sequence& sequence);
  void add_whole(std::int32_t id, NormalizedText::Range bytes, Sequence& sequence);
  void add_sequence(const TemplatePiece& piece, TokenRange tokens, BatchEncoding& batch) const;
  void add_special(const TemplatePiece& piece, BatchEncoding& batch) const;
  void trim_offsets(std::size_t begin, BatchEncoding& batch) const;

  const Tokenizer::Impl& tokenizer_;
  EncodeOptions options_;  // of the row under way
  std::size_t longest_text_ = 0;
  bool splits_at_ascii_;        // add_chunks() gives what add_text() gives
  bool lowercases_;
  std::int32_t mark_ids_[128];  // of a text that is one ASCII punctuation character
  ChunkCache chunks_;

  std::optional<SectionsEncoder> sections_;  // where the tokenizer has them, text goes their way
  Sequence sequences_[2];
  std::string repaired_, plain_word_;
  NormalizedText normalized_;
  std::vector<AddedTokens::Part> source_parts_, normalized_parts_;
  std::vector<Word> words_;
  std::vector<WordPiece::Piece> pieces_;
};

}  // namespace filbert
