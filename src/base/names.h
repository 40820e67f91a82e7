// Names in options and in messages: which of a table one is, and many of them cut short.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/error.h>

namespace filbert {

// The place of `name` in `names`, which stand in the order of the enum. Throws Error(invalid_argument) that begins with `what`.
template <typename Enum, std::size_t count>
Enum from_name(std::string_view what, std::string_view name, const std::array<std::string_view, count>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one of {}, found \"{}\"", what, fmt::join(names, ", "), name));
  }
  return static_cast<Enum>(found - names.begin());
}

// "a, b, c", or of more than `most` the first ones, "a, b and 7 more".
inline std::string first_of(const std::vector<std::string>& names, std::size_t most) {
  const std::string list = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size())), ", "));
  return names.size() <= most ? list : fmt::format("{} and {} more", list, names.size() - most);
}

}  // namespace filbert
