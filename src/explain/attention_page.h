// What the page of attention alone and the report of an explanation share: the section with the three views, and the data that they draw.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <filbert/attention.h>

namespace filbert {

// The frame that the script fills, and the table of the layers, which is all there is without one. `id` of the section is "attention".
void attention_section(const AttentionMap& map, bool collapsed, std::string& out);        // attention_html.cpp
// Everything that the script reads: tokens, weights in 8 bits, queries and keys in 8 bits a head.
void attention_data(const AttentionMap& map, const AttentionPageOptions& options, std::string& out);  // attention_data.cpp
// Its scripts, in the order in which they run.
void attention_scripts(std::string& out);                                                 // attention_html.cpp

// round(255 · weight) of each.
std::string eight_bits(std::span<const float> weights);
// A zero byte and the number of zeros that follow it, at most 255, in the place of the run.
std::string without_runs(std::string_view bytes);

}  // namespace filbert
