// Becoming a worker process.
#include "process/worker_mode.hpp"

#include <satchel/error.hpp>
#include <satchel/init.hpp>

#include "base/file_descriptor.hpp"
#include "base/thread.hpp"
#include "cluster/worker_process.hpp"
#include "net/little_endian.hpp"
#include "process/child.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace satchel::process {
namespace {

using detail::FileDescriptor;

WorkerMain& registered_main() {
    static WorkerMain instance = cluster::worker_main;
    return instance;
}

// False if the other side has gone before it has sent all.
bool read_all(int fd, std::byte* to, std::size_t size) {
    while (size > 0) {
        const auto count = ::read(fd, to, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        to += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

Bytes read_parameters(int channel) {
    std::array<std::byte, sizeof(std::uint32_t)> header{};
    Buffer parameters;
    if (read_all(channel, header.data(), header.size())) {
        const auto size = net::load_little_endian<std::uint32_t>(header.data());
        if (size > max_parameters) {
            throw Error(fmt::format("{}{} is not a channel to a process that starts workers",
                                    channel_flag, channel));
        }
        parameters.resize(size);
        if (read_all(channel, parameters.data(), size)) return std::move(parameters).freeze();
    }
    throw Error("the process that started this worker has ended");
}

// Ends this process when the parent ends. No destructor runs: user code may be running.
void follow_parent(int channel) {
    detail::thread_without_signals([channel] {
        std::byte ignored{};
        while (::read(channel, &ignored, 1) > 0 || errno == EINTR) errno = 0;
        _exit(1);
    }).detach();
}

FileDescriptor channel_from(std::string_view argument) {
    const auto digits = argument.substr(std::string_view(channel_flag).size());
    int fd = -1;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), fd);
    if (status != std::errc{} || end != digits.data() + digits.size() ||
        ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        throw Error(fmt::format("{} names no open channel: it is for satchel's own use", argument));
    }
    return FileDescriptor(fd);
}

WorkerStart start_from(std::vector<std::string> arguments) {
    WorkerStart start{.arguments = std::move(arguments), .parameters = {}};
    if (start.arguments.empty() || !start.arguments.front().starts_with(channel_flag)) return start;
    auto channel = channel_from(start.arguments.front());
    start.arguments.erase(start.arguments.begin());
    start.parameters = read_parameters(channel.get());
    if (::write(channel.get(), &ready_byte, 1) != 1) {
        throw Error("the process that started this worker has ended");
    }
    start.channel = channel.release();
    follow_parent(start.channel);
    return start;
}

int run_worker(std::vector<std::string> arguments) {
    try {
        const auto start = start_from(std::move(arguments));
        return registered_main()(start);
    } catch (const std::exception& error) {
        fmt::print(stderr, "satchel worker: {}\n", error.what());
        return 1;
    }
}

}  // namespace

void WorkerStart::tell_joined() const {
    if (has_parent()) (void)::send(channel, &joined_byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void set_worker_main(WorkerMain worker_main) { registered_main() = worker_main; }

void require_init() {
    if (std::getenv(worker_variable) == nullptr) return;
    throw Error(
        "this process was started as a worker, but its main() did not begin with "
        "satchel::init(argc, argv): add that call; until then, no worker processes are started");
}

}  // namespace satchel::process

namespace satchel {

// What stands before the flag is the program's own, and so is everything after "--".
void init(int argc, char** argv) {
    ::unsetenv(process::worker_variable);
    for (int k = 1; k < argc && std::string_view(argv[k]) != "--"; ++k) {
        if (std::string_view(argv[k]) != process::worker_flag) continue;
        std::exit(process::run_worker({argv + k + 1, argv + argc}));
    }
}

}  // namespace satchel
