#include "serve/process_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace filbert::serve {
namespace {

// The fields of /proc/self/stat after the command's name, which may have spaces and brackets itself; [0] is the state, field 3 of proc(5).
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end_of_name = line.rfind(')');
  std::istringstream rest(end_of_name == std::string::npos ? std::string() : line.substr(end_of_name + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// When the machine started, in seconds of Unix time.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

std::optional<double> open_descriptors() {
  // Linux says it since 6.2; before, each has to be looked at, which takes 10 ms for ten thousand connections.
  struct stat status{};
  if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) return static_cast<double>(status.st_size);
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end; entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return count - 1;   // without the one that reads this directory
}

void add_stat(std::vector<ProcessMetric>& metrics) {
  constexpr std::size_t kUserTime = 14 - 3, kSystemTime = 15 - 3, kThreads = 20 - 3, kStartTime = 22 - 3, kVirtual = 23 - 3, kResident = 24 - 3;
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= kResident) return;
  const auto number = [&](std::size_t field) { return std::stod(fields[field]); };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  metrics.push_back({"process_cpu_seconds_total", "Processor time that was used, of user and system", true,
                     (number(kUserTime) + number(kSystemTime)) / ticks});
  metrics.push_back({"process_resident_memory_bytes", "Memory that is in use, mapped weights included", false,
                     number(kResident) * static_cast<double>(sysconf(_SC_PAGESIZE))});
  metrics.push_back({"process_virtual_memory_bytes", "Address space that is in use", false, number(kVirtual)});
  metrics.push_back({"process_threads", "Threads", false, number(kThreads)});
  if (const auto boot = boot_time()) {
    metrics.push_back({"process_start_time_seconds", "When the process started, in seconds of Unix time", false, *boot + number(kStartTime) / ticks});
  }
}

}  // namespace

std::vector<ProcessMetric> process_metrics() {
  std::vector<ProcessMetric> metrics;
  add_stat(metrics);
  if (const auto count = open_descriptors()) metrics.push_back({"process_open_fds", "File descriptors that are open", false, *count});
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    metrics.push_back({"process_max_fds", "File descriptors that may be open", false, static_cast<double>(limit.rlim_cur)});
  }
  return metrics;
}

}  // namespace filbert::serve
