// What the parts of drift share: the names of bins. drift.cpp measures, drift_compare.cpp compares, drift_json.cpp writes and reads.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <filbert/drift.h>

namespace filbert {

// "up to 12", "over 12 to 20", "over 20"
std::string bin_name(std::span<const double> edges, std::size_t bin);

}  // namespace filbert
