// How many files and connections a process may have.
#pragma once

#include <sys/resource.h>

namespace satchel::detail {

/// Lets this process have as many descriptors as it may: the usual limit, which is there for
/// programs with select(), is soon reached by one that has several for each worker of a cluster.
inline void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace satchel::detail
