// How many tokens of a text, or of both of a pair, fit. Tested by truncation_test.cpp.
#pragma once

#include <cstddef>
#include <optional>

#include <filbert/tokenizer.h>

namespace filbert {

struct KeptTokens {
  std::size_t first, second;
};
// What stays of a text of `first` tokens and, if there is a pair, of its other text of `second` tokens, when
// `max_length` tokens fit and `added` of them are special. The rule is tokenizers', to the odd token of longest_first.
// Throws Error(invalid_argument): see Tokenizer::operator().
KeptTokens truncated_lengths(std::size_t first, std::optional<std::size_t> second, Truncation truncation,
                             std::size_t max_length, std::size_t added);

}  // namespace filbert
