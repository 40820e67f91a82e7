// Any bytes as config.json: read or refused, and what is read keeps the promises of Config.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <filbert/config.h>
#include <filbert/error.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto config = filbert::Config::from_json({reinterpret_cast<const char*>(data), size}, "config.json");
    int id = 0;
    for (const auto& [key, label] : config.id2label) {
      if (key != id++) std::abort();
    }
    if (config.num_labels() == 0 || config.head_size() * config.num_attention_heads != config.hidden_size) std::abort();
  } catch (const filbert::Error&) {
  }
  return 0;
}
