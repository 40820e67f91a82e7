#include "base/base64.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace filbert {

std::string base64_of_hex(std::string_view hex) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  assert(hex.size() % 2 == 0);
  const auto digit = [](char c) { return static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::string out;
  for (std::size_t at = 0; at < hex.size(); at += 6) {  // six hexadecimal digits are three bytes are four of base64
    const std::size_t bytes = std::min<std::size_t>(3, (hex.size() - at) / 2);
    std::uint32_t bits = 0;
    for (std::size_t place = 0; place < 6; ++place) bits = bits << 4 | (place < 2 * bytes ? digit(hex[at + place]) : 0);
    for (std::size_t place = 0; place < 4; ++place) out += place <= bytes ? kDigits[bits >> (18 - 6 * place) & 63] : '=';
  }
  return out;
}

}  // namespace filbert
