// How much memory a worker may use.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/units.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel {
namespace {

// What a control group allows; the file of the other version is not there, or says "max".
std::int64_t limit_in(const char* file) {
    std::ifstream in(file);
    std::int64_t bytes = 0;
    return in >> bytes && bytes > 0 ? bytes : std::numeric_limits<std::int64_t>::max();
}

std::int64_t usable_memory() {
    const std::int64_t physical = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
    return std::min({physical, limit_in("/sys/fs/cgroup/memory.max"),
                     limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

}  // namespace

MemoryLimit::MemoryLimit(std::int64_t bytes) : bytes_(bytes) {
    if (bytes >= 0) return;
    throw InvalidArgument(fmt::format(
        "the memory limit of a worker is {} bytes; it must be 0 (none) or more", bytes));
}

MemoryLimit::MemoryLimit(std::string_view text)
    : bytes_(text == "auto" ? automatic : parse_bytes(text)) {}

std::int64_t MemoryLimit::bytes(std::int64_t threads) const {
    if (bytes_ != automatic) return bytes_;
    const auto share = static_cast<double>(threads) / static_cast<double>(default_concurrency());
    return static_cast<std::int64_t>(static_cast<double>(usable_memory()) * std::min(share, 1.0));
}

}  // namespace satchel
