// How many threads this process should use: its affinity mask and the CPU quotas of its cgroups.
#include <satchel/executor.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <sched.h>

namespace satchel {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

double processors_in_affinity_mask() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return unlimited;
    return CPU_COUNT(&set);
}

std::string first_line(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

// Version 2: one file, "max 100000" or "150000 100000".
double quota_v2(const std::filesystem::path& group) {
    std::istringstream in(first_line(group / "cpu.max"));
    double quota = 0;
    double period = 0;
    return in >> quota >> period && period > 0 ? quota / period : unlimited;
}

// Version 1: two files; a quota of -1 is none.
double quota_v1(const std::filesystem::path& group) {
    std::istringstream in(first_line(group / "cpu.cfs_quota_us") + " " +
                          first_line(group / "cpu.cfs_period_us"));
    double quota = 0;
    double period = 0;
    return in >> quota >> period && quota > 0 && period > 0 ? quota / period : unlimited;
}

// The tightest quota of a group and of all that it lies in. In a container the path from /proc may
// be that of the host; then only the root, which is the container's own group, exists.
double tightest(const std::filesystem::path& root, std::filesystem::path path,
                double (*quota)(const std::filesystem::path&)) {
    double limit = quota(root);
    for (path = path.relative_path(); !path.empty(); path = path.parent_path()) {
        limit = std::min(limit, quota(root / path));
    }
    return limit;
}

double cgroup_quota() {
    double limit = unlimited;
    std::ifstream groups("/proc/self/cgroup");  // lines "hierarchy:controllers:path"
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
        const auto path = line.substr(second + 1);
        if (controllers == ",,") {
            limit = std::min(limit, tightest("/sys/fs/cgroup", path, quota_v2));
        } else if (controllers.find(",cpu,") != std::string::npos) {
            limit = std::min(limit, tightest("/sys/fs/cgroup/cpu", path, quota_v1));
        }
    }
    return limit;
}

}  // namespace

std::int64_t default_concurrency() {
    const auto hardware = std::max(1U, std::thread::hardware_concurrency());
    const auto limit = std::min(
        {static_cast<double>(hardware), processors_in_affinity_mask(), std::ceil(cgroup_quota())});
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(limit));
}

}  // namespace satchel
