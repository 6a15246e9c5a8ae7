// What every system call on files needs: patience with interruptions.
#pragma once

#include <cerrno>

namespace satchel {

/// `call()` until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
    while (true) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

/// After a `read` or `write` that failed with `errno`: waits if the descriptor is one that does not
/// block (a pipe may be so without our doing) and returns true; else returns false.
bool wait_if_not_ready(int descriptor, short events);  // NOLINT(google-runtime-int): as in pollfd

}  // namespace satchel
