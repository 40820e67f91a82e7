#include "base/base64.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace filbert {

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {  // three bytes are four digits
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t place = 0; place < 3; ++place) bits = bits << 8 | (place < count ? static_cast<std::uint8_t>(bytes[at + place]) : 0u);
    for (std::size_t place = 0; place < 4; ++place) out += place <= count ? kDigits[bits >> (18 - 6 * place) & 63] : '=';
  }
  return out;
}

std::string base64_of_hex(std::string_view hex) {
  assert(hex.size() % 2 == 0);
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t at = 0; at < hex.size(); at += 2) bytes += static_cast<char>(digit(hex[at]) << 4 | digit(hex[at + 1]));
  return base64(bytes);
}

}  // namespace filbert
