// How many threads this process may run at once.
#pragma once

#include <filesystem>
#include <optional>

namespace filbert {

// CPUs of the quota that the cgroups of this process grant it (cgroup v2 cpu.max, v1 cpu.cfs_quota_us), the tightest of
// the whole path up to the root; nothing where there is no limit. `root` is "/" but for tests.
std::optional<double> cgroup_cpu_quota(const std::filesystem::path& root = "/");

// CPUs of the affinity mask, at most the quota rounded down, at least 1.
unsigned available_threads();

}  // namespace filbert
