// How many threads this process should use: its affinity mask and the CPU quotas of its cgroups.
#include <satchel/executor.hpp>

#include "base/control_groups.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <thread>

#include <sched.h>

namespace satchel {
namespace {

double processors_in_affinity_mask() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return detail::no_limit;
    return CPU_COUNT(&set);
}

// One file: "max 100000" or "150000 100000".
double quota_v2(const std::filesystem::path& group) {
    std::istringstream in(detail::first_line(group / "cpu.max"));
    double quota = 0;
    double period = 0;
    return in >> quota >> period && period > 0 ? quota / period : detail::no_limit;
}

// Two files; a quota of -1 is none.
double quota_v1(const std::filesystem::path& group) {
    std::istringstream in(detail::first_line(group / "cpu.cfs_quota_us") + " " +
                          detail::first_line(group / "cpu.cfs_period_us"));
    double quota = 0;
    double period = 0;
    return in >> quota >> period && quota > 0 && period > 0 ? quota / period : detail::no_limit;
}

}  // namespace

std::int64_t default_concurrency() {
    const auto hardware = std::max(1U, std::thread::hardware_concurrency());
    const auto quota = detail::tightest_group_limit("cpu", quota_v2, quota_v1);
    const auto limit =
        std::min({static_cast<double>(hardware), processors_in_affinity_mask(), std::ceil(quota)});
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(limit));
}

}  // namespace satchel
