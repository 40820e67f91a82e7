// How similar shows what it found in a terminal: a line a hit, the found word in its column, and under them what they have in common.
#pragma once

#include <string>

#include <filbert/contexts.h>

#include "cli/output.h"

namespace filbert::cli {

// Ends with a line end. The lines of the list fit into the columns of `out`.
std::string text_lines(const SimilarReport& report, const Output& out);

}  // namespace filbert::cli
