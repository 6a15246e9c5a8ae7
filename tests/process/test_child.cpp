// Starting one process: what it gets, what it does not get, and what is said of its end.
#include <satchel/error.hpp>

#include "process/child.hpp"
#include "process/support.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>

using namespace satchel::process;
using satchel::Bytes;

namespace {

Child spawn(std::vector<std::string> arguments, const Bytes& parameters = {},
            std::vector<std::string> environment = {}) {
    return Child::spawn({WORKER_PROGRAM, std::move(arguments), std::move(environment)}, parameters);
}

// All that the child writes to its standard error output, and how it ends.
std::pair<std::string, ExitStatus> output_of(Child child) {
    REQUIRE(::fcntl(child.log(), F_SETFL, 0) == 0);
    std::string text;
    std::array<char, 4096> some{};
    ssize_t count = 0;
    while ((count = ::read(child.log(), some.data(), some.size())) > 0) {
        text.append(some.data(), static_cast<std::size_t>(count));
    }
    return {text, child.reap()};
}

}  // namespace

TEST_CASE("a worker gets its arguments and parameters, and gives an exit code") {
    const auto [text, status] =
        output_of(spawn({"echo", "--nthreads", "2"}, Bytes::copy_of("the secret")));
    CHECK(text == "3 the secret true\n");
    CHECK(status.code == 7);
    CHECK(status.signal == 0);
    CHECK(status.describe() == "exited with code 7");
}

TEST_CASE("parameters of every allowed size arrive") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, max_parameters}) {
        const auto [text, status] = output_of(spawn({"echo"}, Bytes(std::string(size, 'p'))));
        CHECK(text == "1 " + std::string(size, 'p') + " true\n");
    }
    CHECK_THROWS_AS((void)spawn({"echo"}, Bytes(std::string(max_parameters + 1, 'p'))),
                    satchel::InvalidArgument);
}

TEST_CASE("an exception in a worker is one sentence and code 1") {
    const auto [text, status] = output_of(spawn({"throw"}));
    CHECK(text == "satchel worker: no such thing\n");
    CHECK(status.code == 1);
}

TEST_CASE("a worker's end by a signal is told by name") {
    const auto [text, status] = output_of(spawn({"abort"}));
    CHECK(text.ends_with("line 99\nthe last words"));
    CHECK(status.signal == SIGABRT);
    CHECK(status.describe() == "was ended by signal 6 (Aborted)");
}

TEST_CASE("a worker has no open file but the standard ones and its channel") {
    // One that this program forgot to close, and that no other program should have.
    const satchel::detail::FileDescriptor open_file(::open("/dev/null", O_RDONLY));
    const auto [text, status] = output_of(spawn({"files"}));
    CHECK(text.starts_with("[0 /dev/null][1 "));
    CHECK(text.find("[2 pipe]") != std::string::npos);
    CHECK(std::ranges::count(text, '[') == 4);
    CHECK(text.find(" socket]") != std::string::npos);
}

TEST_CASE("a worker starts with default signals, in a group of its own") {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const auto ignored = ::signal(SIGPIPE, SIG_IGN);
    const auto [text, status] = output_of(spawn({"signals"}));
    ::signal(SIGPIPE, ignored);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    CHECK(text == "0 true\n");
    CHECK(output_of(spawn({"group"})).first == "true\n");
}

TEST_CASE("a worker may start workers in turn") {
    CHECK(output_of(spawn({"nested"})).first == "the child exited with code 7\n");
}

TEST_CASE("a program that cannot be started is an error here") {
    CHECK_THROWS_WITH_AS(
        (void)Child::spawn({.program = "/nonexistent/program"}, {}),
        "cannot start a worker process (/nonexistent/program): No such file or directory",
        satchel::Error);
    CHECK_THROWS_WITH_AS((void)Child::spawn({.program = "/"}, {}),
                         "cannot start a worker process (/): Permission denied", satchel::Error);
}

TEST_CASE("a child that is given up is killed, with what it has started") {
    satchel_tests::LifeLine line;
    {
        const auto child = spawn({"descendant", line.path()});
        CHECK(line.wait_for(1).size() == 1);
    }
    line.wait_for_end();
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("worker options by hand are for workers alone") {
    const auto run = [](const std::string& arguments) {
        const auto command = "'" WORKER_PROGRAM "' " + arguments + " 2>&1";
        auto* pipe = ::popen(command.c_str(), "r");
        std::string text(1000, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), pipe));
        return std::pair(text, WEXITSTATUS(::pclose(pipe)));
    };
    // Without a parent, as `program --satchel-worker` is typed by a person.
    CHECK(run("--satchel-worker echo") == std::pair(std::string("1  false\n"), 7));
    CHECK(run("--satchel-worker --satchel-channel=77 echo") ==
          std::pair(std::string("satchel worker: --satchel-channel=77 names no open channel: it is "
                                "for satchel's own use\n"),
                    1));
    CHECK(run("--satchel-worker --satchel-channel=x echo").second == 1);
    CHECK(run("--satchel-worker --satchel-channel=0 echo </dev/null") ==
          std::pair(std::string("satchel worker: the process that started this worker has ended\n"),
                    1));
    CHECK(run("something else").second == 2);
}
