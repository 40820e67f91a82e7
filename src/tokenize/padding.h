// Rows that were tokenized elsewhere may come padded; here no row is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace filbert {

// What of a row is not padding, [begin, end): where `attention_mask` is 1. Nothing if it hides all, or anything but padding before or behind, which
// is nothing that a row without padding can say.
inline std::optional<std::pair<std::size_t, std::size_t>> without_padding(std::span<const std::int32_t> attention_mask) {
  const auto begin = std::find(attention_mask.begin(), attention_mask.end(), 1), end = std::find(begin, attention_mask.end(), 0);
  const auto is_zero = [](std::int32_t mask) { return mask == 0; };
  const bool is_padding = std::all_of(attention_mask.begin(), begin, is_zero) && std::all_of(begin, end, [](std::int32_t mask) { return mask == 1; }) &&
                          std::all_of(end, attention_mask.end(), is_zero);
  if (!is_padding || begin == end) return std::nullopt;
  return std::pair(static_cast<std::size_t>(begin - attention_mask.begin()), static_cast<std::size_t>(end - attention_mask.begin()));
}

}  // namespace filbert
