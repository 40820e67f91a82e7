#include "base/number_list.h"

#include <charconv>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

constexpr std::size_t kMost = 9999;

// The whole number that `text` begins with, which is taken off it; kMost + 1 if there is none.
std::size_t take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > kMost) return kMost + 1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::vector<std::size_t> parse_number_list(std::string_view name, std::string_view text) {
  std::vector<std::size_t> numbers;
  std::string_view rest = text;
  while (true) {
    const std::size_t first = take_number(rest);
    const bool is_range = rest.starts_with('-');
    if (is_range) rest.remove_prefix(1);
    const std::size_t last = is_range ? take_number(rest) : first;
    if (first > kMost || last > kMost || last < first || !(rest.empty() || rest.starts_with(','))) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected numbers, such as 3 or 0,2,5-7, found \"{}\"", name, text));
    }
    if (numbers.size() + (last - first) > kMost) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected at most {} numbers, found more", name, kMost));
    }
    for (std::size_t number = first; number <= last; ++number) numbers.push_back(number);
    if (rest.empty()) return numbers;
    rest.remove_prefix(1);
  }
}

}  // namespace filbert
