#include "evaluate/gold_labels.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "base/nearest.h"
#include "base/text.h"

namespace filbert {
namespace {

std::string folded(std::string_view text) {
  std::string small(trimmed(text));
  std::ranges::transform(small, small.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

// "5", "-1" or "5.0"; of `is_beginning` what a name begins with, up to a space or its end.
std::optional<std::int64_t> whole_number(std::string_view text, bool is_beginning) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  if (is_beginning) return after == end || *after == ' ' ? std::optional(number) : std::nullopt;
  std::string_view rest(after, static_cast<std::size_t>(end - after));
  if (rest.starts_with('.')) rest.remove_prefix(1);
  return rest.find_first_not_of('0') == std::string_view::npos && (after == end || *after == '.') ? std::optional(number) : std::nullopt;
}

using Numbers = std::map<std::int64_t, std::int32_t>;

// The numbers that all names begin with, if no two are the same; else none.
Numbers leading_numbers(const std::vector<std::string>& names) {
  Numbers numbers;
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (const auto number = whole_number(names[at], true)) numbers.emplace(*number, static_cast<std::int32_t>(at));
  }
  return numbers.size() == names.size() ? numbers : Numbers();
}

Numbers numbers_of(const std::vector<std::string>& labels, const OtherNames& others) {
  Numbers numbers = leading_numbers(labels);
  if (!numbers.empty()) return numbers;
  const std::vector<std::string>& names = others.names.empty() ? labels : others.names;
  numbers = leading_numbers(names);
  for (std::size_t at = 0; numbers.size() < names.size(); ++at) numbers.emplace(static_cast<std::int64_t>(at), static_cast<std::int32_t>(at));
  if (others.names.empty()) return numbers;
  for (auto& [number, at] : numbers) at = others.ids[static_cast<std::size_t>(at)];
  return numbers;
}

}  // namespace

GoldLabels::GoldLabels(std::vector<std::string> labels, const std::map<std::string, std::string>& label_map, const OtherNames& others)
    : labels_(std::move(labels)), all_names_(labels_), by_number_(numbers_of(labels_, others)) {
  OtherNames own{labels_, std::vector<std::int32_t>(labels_.size())};
  std::iota(own.ids.begin(), own.ids.end(), 0);
  for (const OtherNames* all : {&std::as_const(own), &others}) {
    std::map<std::string, int> times;
    for (const std::string& name : all->names) ++times[folded(name)];
    Ids alike;
    for (std::size_t at = 0; at < all->names.size(); ++at) {
      by_name_.emplace(all->names[at], all->ids[at]);  // a label's own name stays
      if (times[folded(all->names[at])] == 1) alike.emplace(folded(all->names[at]), all->ids[at]);
    }
    by_folded_name_.merge(alike);
  }
  all_names_.insert(all_names_.end(), others.names.begin(), others.names.end());
  for (const auto& [value, label] : label_map) {
    const auto id = find_unmapped(label);
    if (!id) {
      throw Error(ErrorKind::invalid_argument, fmt::format("--label-map: {}: expected a label of the model ({}), found \"{}\"{}", value, first_of(labels_, 12), label,
                                                           suggestion(label, all_names_)));
    }
    by_map_.emplace(value, *id);
  }
}

std::optional<std::int32_t> GoldLabels::find(std::string_view value) const {
  const auto mapped = by_map_.find(value);
  return mapped != by_map_.end() ? std::optional(mapped->second) : find_unmapped(value);
}

std::optional<std::int32_t> GoldLabels::find_unmapped(std::string_view value) const {
  if (const auto named = by_name_.find(value); named != by_name_.end()) return named->second;
  if (const auto like = by_folded_name_.find(folded(value)); like != by_folded_name_.end()) return like->second;
  if (const auto number = whole_number(trimmed(value), false)) {
    if (const auto numbered = by_number_.find(*number); numbered != by_number_.end()) return numbered->second;
  }
  return std::nullopt;
}

std::string GoldLabels::nearest_to(std::string_view value) const { return nearest(value, all_names_).value_or(""); }

}  // namespace filbert
