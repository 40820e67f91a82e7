// The same short text in many languages, to see from its tokens which of them a vocabulary is for. Tested by test_verify.py.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace filbert::cli {

struct Probe {
  std::string_view language;  // in English
  std::size_t words;          // as a speaker counts them, where spaces do not part words; else 0
  std::string_view text;
};
std::span<const Probe> probes();

// Words of the text, between spaces unless the probe says how many.
std::size_t word_count(const Probe& probe);

}  // namespace filbert::cli
