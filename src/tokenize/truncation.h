// How many tokens of a text, or of both of a pair, fit, and into which windows the rest is cut. Tested by
// truncation_test.cpp and, against tokenizers itself, by tests/parity/tokenizers_parity.py.
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

// What stays in the first of the windows of `options`, of which `added` tokens are special: all of one text of a pair, and
// of the other as much as fits.
// Throws Error(invalid_argument): see Tokenizer::operator().
KeptTokens window_lengths(std::size_t first, std::optional<std::size_t> second, const EncodeOptions& options,
                          std::size_t max_length, std::size_t added);
// Throws Error(invalid_argument) if a window that has room for `room` tokens of the text cannot overlap by `stride`.
void check_stride(std::size_t stride, std::size_t room);

// How many windows of `length` tokens a text of `tokens` is cut into; one if it is no longer than that.
std::size_t num_windows(std::size_t tokens, std::size_t length, std::size_t stride);

struct TokenRange {
  std::size_t begin, end;
};
// The tokens of window `index`; the last may have fewer than `length`. From the left they are counted from the end of the
// text, and the last is the one that begins it.
TokenRange window(std::size_t index, std::size_t tokens, std::size_t length, std::size_t stride, bool from_left);

}  // namespace filbert
