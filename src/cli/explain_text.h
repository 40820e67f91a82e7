// How explain shows an explanation in a terminal: the words coloured by sign and size, and under each its numbers.
#pragma once

#include <string>

#include <filbert/explain.h>

#include "cli/output.h"

namespace filbert::cli {

// Ends with a line end. Lines fit into the columns of `out`, unless a word does not.
std::string text_lines(const ExplainReport& report, const Output& out);

}  // namespace filbert::cli
