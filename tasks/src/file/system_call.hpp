// What every system call on files needs: one form of error, and patience with interruptions.
#pragma once

#include <satchel/error.hpp>

#include <cerrno>
#include <string_view>

namespace satchel {

/// Throws the FileError "NAME: cannot DO: the text of errno".
[[noreturn]] void throw_file_error(std::string_view name, std::string_view doing, int code);

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
