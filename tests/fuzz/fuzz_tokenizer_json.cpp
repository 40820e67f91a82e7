// tokenizer.json NUL tokenizer_config.json NUL special_tokens_map.json NUL text: read or refused; what is read tokenizes.
#include <cstdint>

#include "fuzz/check_tokenizer.h"
#include "fuzz/parts.h"
#include "tokenize/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto part = filbert::parts(data, size, 4);
  try {
    const auto tokenizer = filbert::load_tokenizer_json(part[0], part[1], "tokenizer.json", part[2]);
    (void)tokenizer.description();
    (void)tokenizer.doubts();
    filbert::check_tokenizer(tokenizer, part[3], "a pair", {.truncation = filbert::Truncation::longest_first, .max_length = 16});
  } catch (const filbert::Error&) {
  }
  return 0;
}
