// What the parts of the page of similar tokens share.
#pragma once

#include <cstddef>
#include <string>

#include <filbert/contexts.h>

namespace filbert {

constexpr std::size_t kShownAround = 40;  // tokens on either side of a found one

// The tokens of a hit that the page shows: [first, last).
std::size_t first_shown(const SimilarHit& hit);
std::size_t last_shown(const SimilarHit& hit);

// The numbers for the page's script: attention in 8 bits.
void contexts_data(const SimilarReport& report, std::string& out);  // contexts_data.cpp

}  // namespace filbert
