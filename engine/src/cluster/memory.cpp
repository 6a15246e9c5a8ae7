// How much memory a worker may use.
#include <satchel/detail/usable_memory.hpp>
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/units.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace satchel {

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
    return static_cast<std::int64_t>(static_cast<double>(detail::usable_memory()) *
                                     std::min(share, 1.0));
}

}  // namespace satchel
