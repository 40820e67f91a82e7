// A byte that picks the family, then a sentencepiece model: read or refused; what is read tokenizes.
#include <array>
#include <cstdint>
#include <string>

#include "fuzz/check_tokenizer.h"
#include "tokenize/families.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kModelTypes = {"xlm-roberta", "camembert", "albert", "xlnet", "deberta-v2", "t5"};
  if (size == 0) return 0;
  filbert::CompanionFiles companions;
  companions.config_json = std::string(R"({"model_type":")") + kModelTypes[data[0] % kModelTypes.size()] + "\"}";
  try {
    const std::string_view model(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto tokenizer = filbert::load_sentencepiece(model, companions, "spiece.model");
    (void)tokenizer.description();
    (void)tokenizer.doubts();
    filbert::check_tokenizer(tokenizer, " Some t\u00e9xt, <mask> a b  ``c'' \xEF\xBC\xA1\xCC\x81\xFF", "a pair",
                             {.truncation = filbert::Truncation::longest_first, .max_length = 16});
  } catch (const filbert::Error&) {
  }
  return 0;
}
