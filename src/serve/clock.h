// The clock of deadlines and latencies.
#pragma once

#include <chrono>

namespace filbert::serve {

using Clock = std::chrono::steady_clock;

inline double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

}  // namespace filbert::serve
