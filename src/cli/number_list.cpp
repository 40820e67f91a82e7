#include "cli/number_list.h"

#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "cli/options.h"

namespace filbert::cli {
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

std::vector<std::size_t> parse_list(const std::string& flag, const std::string& text) {
  std::vector<std::size_t> numbers;
  std::string_view rest = text;
  while (true) {
    const std::size_t first = take_number(rest);
    const bool is_range = rest.starts_with('-');
    if (is_range) rest.remove_prefix(1);
    const std::size_t last = is_range ? take_number(rest) : first;
    if (first > kMost || last > kMost || last < first || !(rest.empty() || rest.starts_with(','))) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected numbers, such as 3 or 0,2,5-7, found \"{}\"", flag, text));
    }
    for (std::size_t number = first; number <= last; ++number) numbers.push_back(number);
    if (rest.empty()) return numbers;
    rest.remove_prefix(1);
  }
}

}  // namespace

void add_number_list(CLI::App& app, const std::string& flag, const std::string& description, std::function<void(std::vector<std::size_t>)> set) {
  add_text(app, flag, "LIST", description, [flag, set = std::move(set)](const std::string& text) { set(parse_list(flag, text)); });
}

}  // namespace filbert::cli
