// Pipes, processes, and tasks that are sent through them.
#include "engine/child_process.hpp"

#include <satchel/error.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace satchel::testing {
namespace {

void write_all(int descriptor, const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
        const auto written = ::write(descriptor, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Error(std::string("child process: ") + std::strerror(errno));
        at += written;
        size -= static_cast<std::size_t>(written);
    }
}

bool read_all(int descriptor, void* data, std::size_t size) {
    auto* at = static_cast<char*>(data);
    while (size > 0) {
        const auto count = ::read(descriptor, at, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        at += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

void write_bytes(int descriptor, const Bytes& bytes) {
    const std::uint64_t size = bytes.size();
    write_all(descriptor, &size, sizeof size);
    write_all(descriptor, bytes.data(), bytes.size());
}

bool read_bytes(int descriptor, Bytes& bytes) {
    std::uint64_t size = 0;
    if (!read_all(descriptor, &size, sizeof size)) return false;
    Buffer buffer(size);
    if (!read_all(descriptor, buffer.data(), size)) return false;
    bytes = std::move(buffer).freeze();
    return true;
}

RemoteResult run_call(RemoteCall call) {
    // As results of other tasks that nobody else needs, so that they may be moved from.
    const auto size = static_cast<std::uint32_t>(call.inputs.size());
    std::vector<detail::TaskSlot> slots(size);
    std::vector<std::uint32_t> references;
    for (std::uint32_t k = 0; k < size; ++k) {
        slots[k].value = std::move(call.inputs[k]);
        slots[k].counter = 1;
        references.push_back(k);
    }
    Arguments arguments(slots.data(), nullptr, references.data(), size, call.index);
    RemoteResult result;
    call.function(arguments, result.value);
    return result;
}

Encoded answer(Encoded message) {
    try {
        return encode(run_call(decode<RemoteCall>(std::move(message))));
    } catch (const std::exception& error) {
        return encode(RemoteResult{{}, error.what()});
    }
}

}  // namespace

void Channel::send(const Encoded& message) const {
    const std::uint64_t segments = message.segments.size();
    write_all(output_, &segments, sizeof segments);
    write_bytes(output_, message.head);
    for (const auto& segment : message.segments) write_bytes(output_, segment);
}

bool Channel::receive(Encoded& message) const {
    std::uint64_t segments = 0;
    if (!read_all(input_, &segments, sizeof segments)) return false;
    if (!read_bytes(input_, message.head)) return false;
    message.segments.assign(segments, {});
    for (auto& segment : message.segments) {
        if (!read_bytes(input_, segment)) return false;
    }
    return true;
}

void serve_calls(const Channel& channel) {
    for (Encoded message; channel.receive(message);) channel.send(answer(std::move(message)));
}

ChildProcess::ChildProcess(const std::string& program, std::vector<std::string> arguments) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (pipe2(to.data(), O_CLOEXEC) != 0 || pipe2(from.data(), O_CLOEXEC) != 0) {
        throw Error("child process: no pipes");
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    arguments.insert(arguments.begin(), program);
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const int failure =
        posix_spawn(&child_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(to[0]);
    ::close(from[1]);
    to_child_ = to[1];
    from_child_ = from[0];
    if (failure != 0) throw Error("child process: cannot start " + program);
}

ChildProcess::~ChildProcess() {
    ::close(to_child_);
    ::close(from_child_);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Value ChildProcess::call(const Encoded& call) const {
    const Channel channel(from_child_, to_child_);
    channel.send(call);
    Encoded message;
    if (!channel.receive(message)) throw Error("child process: it died");
    auto result = decode<RemoteResult>(std::move(message));
    if (!result.error.empty()) throw Error(result.error);
    return std::move(result.value);
}

}  // namespace satchel::testing
