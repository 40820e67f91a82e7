// Section `pre_tokenizer` of any tokenizer.json but BERT's: a list of steps that cut stretches of a text into smaller ones,
// and of which two (Metaspace, ByteLevel) also write into the text. Tested by sections_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/aligned_text.h"
#include "tokenize/normalizer_steps.h"
#include "tokenize/pre_tokenizer.h"

namespace filbert {

struct PreTokenizerStep {
  enum class Kind { bert, whitespace, whitespace_split, punctuation, digits, split, byte_level, metaspace };
  // What becomes of that at which a text is cut.
  enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
  enum class Prepend { always, first, never };

  Kind kind;
  Behavior behavior = Behavior::isolated;
  bool invert = false;            // split: cut at what is not found
  Pattern pattern = {};           // split
  bool add_prefix_space = false;  // byte_level
  bool cuts = true;               // byte_level: by the regex of GPT-2; metaspace: before each replacement
  std::string replacement = {};   // metaspace
  Prepend prepend = Prepend::always;
};

// Appends the steps of section `pre_tokenizer`; a Sequence is taken apart. Throws Error: unsupported (a type, by its name), corrupt.
void pre_tokenizer_steps_from_json(const JsonValue& pre_tokenizer, std::vector<PreTokenizerStep>& steps);
// A Metaspace, which decoders have, too. Throws Error(corrupt).
PreTokenizerStep metaspace_from_json(const JsonValue& value);

// Replaces each of `words`, stretches of `text`, by what `steps` cut it into. No word is empty. (Bytes are not mapped to
// characters by ByteLevel: a model of bytes takes them as they are.)
struct PreTokenizerScratch {
  AlignedText text;
  std::vector<Word> words, matches;
};
void pre_tokenize(const std::vector<PreTokenizerStep>& steps, AlignedText& text, std::vector<Word>& words,
                  PreTokenizerScratch& scratch);

// The end of the first word of text[at, end), which is not empty, by GPT-2's regex:
// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t byte_level_word_end(std::string_view text, std::size_t at, std::size_t end);

}  // namespace filbert
