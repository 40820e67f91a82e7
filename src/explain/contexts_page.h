// What the parts of the page of similar tokens share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/contexts.h>

namespace filbert {

constexpr std::size_t kHitsOfAWord = 10;  // that an explanation shows of each of its words, unless told otherwise
constexpr std::size_t kShownAround = 40;  // tokens on either side of a found one

// The tokens of a hit that the page shows: [first, last).
std::size_t first_shown(const SimilarHit& hit);
std::size_t last_shown(const SimilarHit& hit);

// What contexts_parts.cpp has, as HTML.
std::string percent(double share);  // "12 %"
// Tokens [first, last) of `text` with what stands between them; the deeper a token's ground, the more attention it gets.
std::string tokens_html(const std::vector<ContextToken>& tokens, std::string_view text, const std::vector<double>& attention, std::size_t first, std::size_t last,
                        std::size_t match);
// The hits, a row each, in a box of this name that scrolls. There must be one.
void hits_table(const SimilarReport& report, std::string_view name, std::string& out);
// The most frequent with bars, of so many hits; nothing where there are none.
void histogram(std::string_view title, const std::vector<NameCount>& counts, std::size_t hits, std::string& out);

// The numbers for the page's script: attention in 8 bits.
void contexts_data(const SimilarReport& report, std::string& out);  // contexts_data.cpp

}  // namespace filbert
