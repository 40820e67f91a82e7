// Slips of the pen: what a word that is not known was meant to be. Tested by nearest_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace filbert {

// The candidate that `word` is most likely a slip of, or nothing if none is near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
// "; did you mean "…"?", or nothing.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace filbert
