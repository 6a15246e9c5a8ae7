// The texts of file errors, waiting for descriptors that do not block, and closing them.
#include "file/system_call.hpp"

#include <satchel/tasks/file.hpp>

#include <system_error>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace satchel {

void throw_file_error(std::string_view name, std::string_view doing, int code) {
    throw FileError(
        fmt::format("{}: cannot {}: {}", name, doing, std::generic_category().message(code)), code);
}

bool wait_if_not_ready(int descriptor, short events) {  // NOLINT(google-runtime-int): poll() has it
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    pollfd waiting{.fd = descriptor, .events = events, .revents = 0};
    return uninterrupted([&] { return ::poll(&waiting, 1, -1); }) > 0;
}

detail::Descriptor::~Descriptor() {
    // What is written was flushed before, so that nothing is left that closing could report.
    if (owned_ && number_ >= 0) ::close(number_);
}

}  // namespace satchel
