// How many tokens of a text, or of both of a pair, fit. Tested by truncation_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <filbert/tokenizer.h>

namespace filbert {

// The tokens of one text before special tokens are added.
struct SequenceView {
  std::span<const std::int32_t> words;        // [tokens] index of the word each token is of, ascending
  std::span<const std::int32_t> added_words;  // the words that are added tokens, ascending
};

// How many tokens tokenizers makes of a text when it may stop early: it looks after each word, but not after an added
// token, whether it has `max_length` tokens. `from_left` is false if it starts from the last word.
std::size_t tokens_made(const SequenceView& sequence, std::size_t max_length, bool from_left = true);

struct KeptTokens {
  std::size_t first, second;
};
// What stays of `first` and, if there is a pair, `second`, when `max_length` tokens fit and `added` of them are special.
// The rule is tokenizers', to the odd token of longest_first.
// Throws Error(invalid_argument): see Tokenizer::operator().
KeptTokens truncated_lengths(const SequenceView& first, const SequenceView* second, Truncation truncation,
                             std::size_t max_length, std::size_t added, bool keeps_left = true);

}  // namespace filbert
