// How many files and connections a process may have.
#pragma once

#include <algorithm>

#include <sys/resource.h>

namespace satchel::detail {

/// Lets this process have so many descriptors, if it may: the usual limit, which is there for
/// programs with select(), is soon reached by one that has several for each worker of a cluster.
inline void raise_descriptor_limit(rlim_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// For processes that are nothing but a part of a cluster.
inline constexpr rlim_t many_descriptors = 65536;

}  // namespace satchel::detail
