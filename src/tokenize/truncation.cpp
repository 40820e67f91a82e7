#include "tokenize/truncation.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

constexpr std::array<std::string_view, 4> kTruncationNames = {"do_not_truncate", "longest_first", "only_first",
                                                              "only_second"};
constexpr std::array<std::string_view, 3> kOffsetUnitNames = {"code_points", "bytes", "utf16"};

// The place of `name` in `names`, which stand in the order of the enum.
template <typename Enum, std::size_t count>
Enum from_name(std::string_view what, std::string_view name, const std::array<std::string_view, count>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected one of {}, found \"{}\"", what,
                                                         fmt::join(names, ", "), name));
  }
  return static_cast<Enum>(found - names.begin());
}

// Both give way, the longer first; `made` are the lengths that decide which one is longer.
KeptTokens longest_first(KeptTokens made, std::size_t room) {
  std::size_t shorter = std::min(made.first, made.second);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return made.first > made.second ? KeptTokens{longer, shorter} : KeptTokens{shorter, longer};
}

}  // namespace

Truncation truncation_from_name(std::string_view name) {
  return from_name<Truncation>("truncation", name, kTruncationNames);
}

OffsetUnit offset_unit_from_name(std::string_view name) {
  return from_name<OffsetUnit>("offset_unit", name, kOffsetUnitNames);
}

std::size_t tokens_made(const SequenceView& sequence, std::size_t max_length, bool from_left) {
  const std::size_t tokens = sequence.words.size();
  const auto word_at = [&](std::size_t made) { return sequence.words[from_left ? made : tokens - 1 - made]; };
  std::size_t made = 0;
  while (made < tokens) {
    const std::int32_t word = word_at(made);
    while (made < tokens && word_at(made) == word) ++made;
    if (made >= max_length &&
        !std::binary_search(sequence.added_words.begin(), sequence.added_words.end(), word)) {
      break;
    }
  }
  return made;
}

KeptTokens truncated_lengths(const SequenceView& first, const SequenceView* second, Truncation truncation,
                             std::size_t max_length, std::size_t added, bool keeps_left) {
  const KeptTokens all{first.words.size(), second != nullptr ? second->words.size() : 0};
  if (truncation == Truncation::do_not_truncate) return all;
  if (max_length < added) {
    throw Error(ErrorKind::invalid_argument, fmt::format("max_length: expected at least the {} special tokens, found {}",
                                                         added, max_length));
  }
  const std::size_t room = max_length - added;
  if (room == 0) return {0, 0};
  if (all.first + all.second <= room) return all;
  if (truncation == Truncation::longest_first) {
    if (second == nullptr) return {room, 0};
    return longest_first({tokens_made(first, max_length, keeps_left), tokens_made(*second, max_length, keeps_left)},
                         room);
  }
  if (truncation == Truncation::only_second && second == nullptr) {
    throw Error(ErrorKind::invalid_argument, "truncation: only_second expects a pair, found one text");
  }
  const bool cuts_first = truncation == Truncation::only_first;
  const std::size_t other = cuts_first ? all.second : all.first;
  if (other >= room) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("truncation: {} expects the other text to leave room within {} tokens, found {} tokens in it",
                            kTruncationNames[static_cast<std::size_t>(truncation)], room, other));
  }
  return cuts_first ? KeptTokens{room - other, other} : KeptTokens{other, room - other};
}

}  // namespace filbert
