// Rows of many texts, spread over threads. Tested by encode_batch_test.cpp.
#pragma once

#include <span>

#include "tokenize/encode.h"

namespace filbert {

// The rows of `texts`, the same for any number of threads. Throws Error: see Tokenizer::operator(); of several
// errors that of the first text.
BatchEncoding encode_batch(const Tokenizer::Impl& tokenizer, std::span<const TextInput> texts,
                           const EncodeOptions& options);
BatchEncoding encode_batch(const Tokenizer::Impl& tokenizer, std::span<const WordsInput> texts,
                           const EncodeOptions& options);

}  // namespace filbert
