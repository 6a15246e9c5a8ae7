// Telling, and handles on processes.
#include "cluster/faults.hpp"

#include <satchel/this_task.hpp>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;

namespace satchel_tests {

void announce(const std::string& pipe) {
    const detail::FileDescriptor file(::open(pipe.c_str(), O_WRONLY | O_CLOEXEC));
    const auto line = fmt::format("{}\n", ::getpid());
    if (::write(file.get(), line.data(), line.size()) < 0) std::abort();
}

int announce_until_stopped(const std::string& pipe) {
    announce(pipe);
    while (!this_task::stop_requested()) std::this_thread::yield();
    announce(pipe);
    return 0;
}

Process::Process(pid_t pid)
    : pid_(pid), file_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
    REQUIRE(file_.get() >= 0);
}

pid_t Process::parent() const {
    std::ifstream file(fmt::format("/proc/{}/status", pid_));
    std::string word;
    while (file >> word && word != "PPid:") {
    }
    pid_t parent = -1;
    file >> parent;
    return parent;
}

void Process::send(int signal) const {
    (void)::syscall(SYS_pidfd_send_signal, file_.get(), signal, nullptr, 0);
}

void Process::wait_for_end() const {
    pollfd waiting{file_.get(), POLLIN, 0};
    while (::poll(&waiting, 1, -1) != 1) {
    }
}

bool Process::has_ended() const {
    pollfd waiting{file_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
}

Program::Program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/proc/self/exe");
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const auto error =
        ::posix_spawn(&pid_, arguments.front().c_str(), nullptr, nullptr, pointers.data(), environ);
    REQUIRE(error == 0);
}

void Program::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

}  // namespace satchel_tests
