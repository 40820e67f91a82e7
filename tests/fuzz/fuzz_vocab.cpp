// vocab.txt NUL tokenizer_config.json NUL special_tokens_map.json NUL text: read or refused; what is read tokenizes.
#include <cstdint>
#include <string>

#include "fuzz/check_tokenizer.h"
#include "fuzz/parts.h"
#include "tokenize/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto part = filbert::parts(data, size, 4);
  try {
    const auto tokenizer = filbert::load_wordpiece_vocab(std::string(part[0]), part[1], "vocab.txt", part[2]);
    (void)tokenizer.description();
    (void)tokenizer.doubts();
    filbert::check_tokenizer(tokenizer, part[3], part[0].substr(0, 64), {.max_length = 16});
  } catch (const filbert::Error&) {
  }
  return 0;
}
