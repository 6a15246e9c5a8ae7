// The limits of memory that a system knows.
#include <satchel/detail/usable_memory.hpp>

#include "base/control_groups.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace satchel::detail {
namespace {

// A file says "max", or a number of bytes.
double bytes_in(const std::filesystem::path& file) {
    std::istringstream in(first_line(file));
    double bytes = 0;
    return in >> bytes && bytes > 0 ? bytes : no_limit;
}
double memory_v2(const std::filesystem::path& group) { return bytes_in(group / "memory.max"); }
double memory_v1(const std::filesystem::path& group) {
    return bytes_in(group / "memory.limit_in_bytes");
}

double address_space() {
    rlimit limit{};
    const bool is_limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_limited ? static_cast<double>(limit.rlim_cur) : no_limit;
}

}  // namespace

std::int64_t usable_memory() {
    const std::int64_t physical = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
    const auto least = std::min({static_cast<double>(physical), address_space(),
                                 tightest_group_limit("memory", memory_v2, memory_v1)});
    return static_cast<std::int64_t>(least);
}

}  // namespace satchel::detail
