// The sections of a tokenizer.json that is not BERT's: any normalizer, any pre-tokenizer, and a model of three. Tested by
// sections_test.cpp and, against tokenizers itself, by tests/parity/tokenizers_parity.py.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "tokenize/added_tokens.h"
#include "tokenize/aligned_text.h"
#include "tokenize/bpe.h"
#include "tokenize/chunk_cache.h"
#include "tokenize/model_scratch.h"
#include "tokenize/normalizer_steps.h"
#include "tokenize/pre_tokenizer_steps.h"
#include "tokenize/sequence.h"
#include "tokenize/unigram.h"
#include "tokenize/wordpiece.h"

namespace filbert {

struct Sections {
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::variant<WordPiece, Bpe, Unigram> model;

  bool needs_origins = false;     // a step asks where in the source it is
  bool cuts_as_given = false;     // words are those of the text as given, by GPT-2's regex
  bool keeps_spaces_apart = false;  // what lies between two spaces becomes the same tokens, whatever stands around it

  bool trims_offsets = false;       // the post-processor's, and
  bool add_prefix_space = false;    // what the first added token of a text keeps then

  // Whether the file at `root` goes this way: not if it is BERT's (BertNormalizer, BertPreTokenizer and WordPiece).
  static bool are_needed(const JsonValue& root);
  // Throws Error: unsupported (a type, by its name), corrupt.
  static Sections from_json(const JsonValue& root);
  void finish();  // fills the flags above from the sections

  const Vocab& vocab() const;
  std::string_view model_name() const;
  void tokenize(std::string_view text, std::size_t begin, std::size_t end, std::vector<ModelPiece>& pieces,
                ModelScratch& scratch) const;
};

// "WordPiece", "BPE" or "Unigram"; old files leave the type out, and it shows in the fields.
std::string_view model_type(const JsonValue& model);

// `range` of `text`, which an added token has taken, without the white space at its ends; of the one space in front of the
// first token only if it was not put there.
Word trimmed(std::string_view text, Word range, bool is_first, bool add_prefix_space);

// Takes texts through Sections; holds the scratch memory. For one thread.
class SectionsEncoder {
 public:
  SectionsEncoder(const Sections& sections, const AddedTokens& added_tokens)
      : sections_(sections), added_tokens_(added_tokens) {}

  // Appends the tokens of text[begin, end), which lies between two added tokens; offsets only if they are asked for.
  void add_part(std::string_view text, std::size_t begin, std::size_t end, bool with_offsets, Sequence& sequence);

 private:
  void add_words_as_given(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_between_spaces(std::string_view text, std::size_t begin, std::size_t end, Sequence& sequence);
  void add_text(std::string_view text, std::size_t begin, std::size_t end, bool with_offsets, Sequence& sequence);
  void add_words(bool with_offsets, Sequence& sequence);
  void add_word(std::string_view text, Word word, Sequence& sequence);

  const Sections& sections_;
  const AddedTokens& added_tokens_;
  ChunkCache known_words_, known_chunks_;  // of the normalized text; as given
  AlignedText normalized_, text_, other_text_;
  std::vector<AddedTokens::Part> parts_;
  std::vector<Word> words_;
  PreTokenizerScratch pre_tokenizer_scratch_;
  std::vector<ModelPiece> pieces_;
  ModelScratch model_scratch_;
};

}  // namespace filbert
