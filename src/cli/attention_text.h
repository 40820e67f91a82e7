// Where a model looked, in a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <filbert/attention.h>

#include "cli/output.h"

namespace filbert::cli {

// What of a map is written out token by token.
struct ShownLinks {
  std::optional<std::size_t> layer = {};               // absent: the last that is there
  std::optional<std::vector<std::size_t>> heads = {};  // absent: the mean of all that are there
};

// The label, a line a layer, and for one layer what each token looks at most. Throws Error(invalid_argument) for a layer or head that is not in `map`.
std::string text_lines(const AttentionMap& map, const ShownLinks& links, const Output& out);

}  // namespace filbert::cli
