// A program for the tests of processes: a worker that behaves as its first argument says, and a
// parent of workers.
//
//     worker_program parent FIFO N MODE      starts N workers, and waits to be killed
//
// HELPER_BEFORE_INIT=exit, =kill or =hang in its environment happens before init.
#include <satchel/error.hpp>
#include <satchel/init.hpp>

#include "process/nanny.hpp"
#include "process/worker_mode.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace satchel::process;

namespace {

[[noreturn]] void wait_for_ever() {
    while (true) pause();
}

// Tells its process number to who reads the pipe, which has no end while this process lives.
void announce_in(const std::string& fifo) {
    const int fd = ::open(fifo.c_str(), O_WRONLY);
    const auto line = fmt::format("{}\n", getpid());
    if (::write(fd, line.data(), line.size()) < 0) std::abort();
}

void print_open_files() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const auto target = std::filesystem::read_symlink(entry.path(), error).string();
        if (!error && !target.starts_with("/proc")) {
            all += fmt::format("[{} {}]", entry.path().filename().string(),
                               target.substr(0, target.find(':')));
        }
    }
    fmt::print(stderr, "{}\n", all);
}

int worker_main(const WorkerStart& start) {
    const auto mode = start.arguments.at(0);
    if (mode != "early") start.tell_joined();
    if (mode == "echo") {
        fmt::print(stderr, "{} {} {}\n", start.arguments.size(), start.parameters.text(),
                   start.has_parent());
        return 7;
    }
    if (mode == "throw") throw satchel::Error("no such thing");
    if (mode == "abort") {
        for (int i = 0; i < 100; ++i) fmt::print(stderr, "line {}\n", i);
        fmt::print(stderr, "the last words");
        std::abort();
    }
    if (mode == "files") print_open_files();
    if (mode == "group") fmt::print(stderr, "{}\n", getpgrp() == getpid());
    if (mode == "signals") {
        sigset_t blocked;
        sigprocmask(SIG_BLOCK, nullptr, &blocked);
        fmt::print(stderr, "{} {}\n", sigismember(&blocked, SIGTERM),
                   ::signal(SIGPIPE, SIG_DFL) == SIG_DFL);
    }
    if (mode == "nested") {
        auto child = Child::spawn({.arguments = {"echo"}}, {});
        fmt::print(stderr, "the child {}\n", child.reap().describe());
    }
    if (mode == "stubborn") {
        ::signal(SIGTERM, SIG_IGN);
        announce_in(start.arguments.at(1));
        wait_for_ever();
    }
    if (mode == "descendant" && fork() == 0) announce_in(start.arguments.at(1));
    if (mode == "live" || mode == "stopped") announce_in(start.arguments.at(1));
    if (mode == "stopped") raise(SIGSTOP);
    if (mode == "live" || mode == "descendant") wait_for_ever();
    return 0;
}

[[noreturn]] void be_parent(const std::string& fifo, int count, const std::string& mode) {
    satchel::net::EventLoop loop;
    std::vector<std::unique_ptr<Nanny>> nannies;
    for (int i = 0; i < count; ++i) {
        nannies.push_back(std::make_unique<Nanny>(
            loop, NannyOptions{.command = {.arguments = {mode, fifo}}}, NannyHandlers{}));
        loop.call([&] { nannies.back()->start(); });
    }
    wait_for_ever();
}

}  // namespace

int main(int argc, char** argv) {
    const auto* before = std::getenv("HELPER_BEFORE_INIT");
    if (before != nullptr && before == std::string_view("exit")) return 3;
    if (before != nullptr && before == std::string_view("kill")) std::raise(SIGKILL);
    if (before != nullptr && before == std::string_view("hang")) wait_for_ever();
    set_worker_main(worker_main);
    satchel::init(argc, argv);
    if (argc == 5 && argv[1] == std::string_view("parent")) {
        be_parent(argv[2], std::stoi(argv[3]), argv[4]);
    }
    return 2;
}
