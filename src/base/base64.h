// Base64 (RFC 4648), for digests and for numbers in a page.
#pragma once

#include <string>
#include <string_view>

namespace filbert {

std::string base64(std::string_view bytes);
// Of the bytes that `hex`, an even number of hexadecimal digits in lower case, stands for.
std::string base64_of_hex(std::string_view hex);

}  // namespace filbert
