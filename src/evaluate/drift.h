// What the parts of drift share: the names of bins, the shares of texts. drift.cpp measures, drift_compare.cpp compares, drift_json.cpp writes and reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <filbert/drift.h>

namespace filbert {

// "up to 12", "over 12 to 20", "over 20"
std::string bin_name(std::span<const double> edges, std::size_t bin);

// 0 of none.
inline double share(std::uint64_t count, std::uint64_t all) { return all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all); }

}  // namespace filbert
