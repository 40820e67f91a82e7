// Cuts one fuzz input into several texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace filbert {

// The parts of `data` between NUL bytes; at most `count`, the last one with all that is left; absent ones are empty.
inline std::vector<std::string_view> parts(const std::uint8_t* data, std::size_t size, std::size_t count) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> found;
  while (found.size() + 1 < count && rest.find('\0') != std::string_view::npos) {
    found.push_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(found.back().size() + 1);
  }
  found.push_back(rest);
  found.resize(count);
  return found;
}

}  // namespace filbert
