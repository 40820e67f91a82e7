#include "base/cpu.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <sched.h>

namespace filbert {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "max 100000" or "50000 100000": CPUs, or nothing.
std::optional<double> parse_quota(const std::string& quota, const std::string& period) {
  if (quota.empty() || quota == "max" || period.empty()) return std::nullopt;
  const double cpus = std::atof(quota.c_str()) / std::atof(period.c_str());
  return cpus > 0 ? std::optional(cpus) : std::nullopt;  // v1 writes -1 for no limit
}

std::optional<double> quota_of(const std::filesystem::path& group, bool v2) {
  if (!v2) return parse_quota(first_line(group / "cpu.cfs_quota_us"), first_line(group / "cpu.cfs_period_us"));
  std::istringstream line(first_line(group / "cpu.max"));
  std::string quota, period;
  line >> quota >> period;
  return parse_quota(quota, period);
}

// The tightest quota from `group` up to `mount`.
std::optional<double> tightest(const std::filesystem::path& mount, const std::filesystem::path& group, bool v2) {
  std::optional<double> least;
  std::filesystem::path path = group.relative_path();
  while (true) {
    if (const auto quota = quota_of(mount / path, v2)) least = std::min(*quota, least.value_or(*quota));
    if (path.empty()) return least;
    path = path.parent_path();
  }
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::filesystem::path& root) {
  std::optional<double> least;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/user.slice" or "4:cpu,cpuacct:/docker/…"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v2 = controllers == ",,";
    if (!v2 && controllers.find(",cpu,") == std::string::npos) continue;
    for (const char* mount : v2 ? std::array{"", "unified"} : std::array{"cpu", "cpu,cpuacct"}) {
      const auto quota = tightest(root / "sys/fs/cgroup" / mount, line.substr(second + 1), v2);
      if (quota) least = std::min(*quota, least.value_or(*quota));
    }
  }
  return least;
}

unsigned available_threads() {
  unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) cpus = static_cast<unsigned>(CPU_COUNT(&mask));
  if (const auto quota = cgroup_cpu_quota()) cpus = std::min(cpus, static_cast<unsigned>(*quota));
  return std::max(1u, cpus);
}

}  // namespace filbert
