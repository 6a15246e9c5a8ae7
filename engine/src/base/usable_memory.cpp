// The limits of memory that a system knows.
#include <satchel/detail/usable_memory.hpp>

#include <algorithm>
#include <fstream>
#include <limits>

#include <sys/resource.h>
#include <unistd.h>

namespace satchel::detail {
namespace {

constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();

// What a control group allows; the file of the other version is not there, or says "max".
std::int64_t limit_in(const char* file) {
    std::ifstream in(file);
    std::int64_t bytes = 0;
    return in >> bytes && bytes > 0 ? bytes : unlimited;
}

std::int64_t address_space() {
    rlimit limit{};
    const bool is_limited =
        ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < static_cast<rlim_t>(unlimited);
    return is_limited ? static_cast<std::int64_t>(limit.rlim_cur) : unlimited;
}

}  // namespace

std::int64_t usable_memory() {
    const std::int64_t physical = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
    return std::min({physical, address_space(), limit_in("/sys/fs/cgroup/memory.max"),
                     limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

}  // namespace satchel::detail
