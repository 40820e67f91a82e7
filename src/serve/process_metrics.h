// What Linux says of this process, under the names that every Prometheus client gives it.
#pragma once

#include <string>
#include <vector>

namespace filbert::serve {

struct ProcessMetric {
  std::string name;       // "process_resident_memory_bytes"
  std::string help;
  bool counter = false;   // else a gauge
  double value = 0;
};

// Those that can be read: a process may be kept from seeing its own /proc.
std::vector<ProcessMetric> process_metrics();

}  // namespace filbert::serve
