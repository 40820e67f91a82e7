#include "tokenize/truncation.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 4> kTruncationNames = {"do_not_truncate", "longest_first", "only_first",
                                                              "only_second"};
constexpr std::array<std::string_view, 3> kOffsetUnitNames = {"code_points", "bytes", "utf16"};

// The longer gives way until both are equally long, then both; of an odd number of tokens the longer keeps one more,
// and of two equal ones the second.
KeptTokens longest_first(KeptTokens all, std::size_t room) {
  std::size_t shorter = std::min(all.first, all.second);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return all.first > all.second ? KeptTokens{longer, shorter} : KeptTokens{shorter, longer};
}

}  // namespace

Truncation truncation_from_name(std::string_view name) {
  return from_name<Truncation>("truncation", name, kTruncationNames);
}

OffsetUnit offset_unit_from_name(std::string_view name) {
  return from_name<OffsetUnit>("offset_unit", name, kOffsetUnitNames);
}

KeptTokens truncated_lengths(std::size_t first, std::optional<std::size_t> second, Truncation truncation,
                             std::size_t max_length, std::size_t added) {
  const KeptTokens all{first, second.value_or(0)};
  if (truncation == Truncation::do_not_truncate) return all;
  if (max_length < added) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("max_length: expected at least the {} special tokens, found {}", added, max_length));
  }
  const std::size_t room = max_length - added;
  if (room == 0) return {0, 0};
  if (all.first + all.second <= room) return all;
  if (truncation == Truncation::longest_first) {
    return second ? longest_first(all, room) : KeptTokens{room, 0};
  }
  if (truncation == Truncation::only_second && !second) {
    throw Error(ErrorKind::invalid_argument, "truncation: only_second expects a pair, found one text");
  }
  const bool cuts_first = truncation == Truncation::only_first;
  const std::size_t other = cuts_first ? all.second : all.first;
  if (other >= room) {
    throw Error(
        ErrorKind::invalid_argument,
        fmt::format("truncation: {} expects the other text to leave room within {} tokens, found {} tokens in it",
                    kTruncationNames[static_cast<std::size_t>(truncation)], room, other));
  }
  return cuts_first ? KeptTokens{room - other, other} : KeptTokens{other, room - other};
}

KeptTokens window_lengths(std::size_t first, std::optional<std::size_t> second, const EncodeOptions& options,
                          std::size_t max_length, std::size_t added) {
  Truncation truncation = options.truncation;
  if (second && truncation == Truncation::longest_first) {
    truncation = first >= *second ? Truncation::only_first : Truncation::only_second;
  }
  const KeptTokens kept = truncated_lengths(first, second, truncation, max_length, added);
  if (kept.first < first) check_stride(options.stride, kept.first);
  if (second && kept.second < *second) check_stride(options.stride, kept.second);
  return kept;
}

void check_stride(std::size_t stride, std::size_t room) {
  if (stride < room) return;
  if (room == 0) {
    throw Error(ErrorKind::invalid_argument, "max_length: expected room for tokens of the text in a window, found room for the special tokens alone");
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("stride: expected less than the {} tokens of the text that a window has room for, found {}", room, stride));
}

std::size_t num_windows(std::size_t tokens, std::size_t length, std::size_t stride) {
  const std::size_t step = length - stride;
  return tokens <= length ? 1 : 1 + (tokens - length + step - 1) / step;
}

TokenRange window(std::size_t index, std::size_t tokens, std::size_t length, std::size_t stride, bool from_left) {
  const std::size_t skipped = index * (length - stride);
  if (from_left) return {tokens - skipped > length ? tokens - skipped - length : 0, tokens - skipped};
  return {skipped, std::min(skipped + length, tokens)};
}

}  // namespace filbert
