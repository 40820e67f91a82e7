// Rows of many texts, spread over threads. Tested by encode_batch_test.cpp.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "tokenize/encode.h"

namespace filbert {

// Encoders that wait for the next call, with their scratch memory and the chunks they have seen.
class EncoderPool {
 public:
  // An encoder of `tokenizer`, which owns this pool, for the caller alone. Safe to call from many threads.
  std::unique_ptr<Encoder> take(const Tokenizer::Impl& tokenizer);
  void give_back(std::unique_ptr<Encoder> encoder);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Encoder>> idle_;
};

// A row for each of `texts`, the same for any number of threads. Throws Error: see Tokenizer::operator(); of several
// errors that of the first text.
BatchEncoding encode_batch(const Tokenizer::Impl& tokenizer, std::span<const TextInput> texts,
                           const EncodeOptions& options);

}  // namespace filbert
