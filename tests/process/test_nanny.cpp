// Nannies: replacing what ends, stopping what does not, and leaving nothing behind.
#include <satchel/error.hpp>

#include "net/support.hpp"
#include "process/nanny.hpp"
#include "process/support.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

using namespace satchel::process;
using namespace satchel_tests;
using namespace std::chrono_literals;

namespace {

// A nanny with what it has told.
class Watched {
  public:
    Watched(satchel::net::EventLoop& loop, NannyOptions options)
        : loop_(loop), nanny_(loop, quiet(std::move(options)), handlers()) {}

    void start() {
        loop_.call([&] { nanny_.start(); });
    }
    void restart() {
        loop_.call([&] { nanny_.restart(); });
    }
    void stop() {
        Mailbox<int> stopped;
        loop_.call([&] { nanny_.stop([&] { stopped.put(1); }); });
        stopped.take();
    }

    Mailbox<pid_t> started;
    Mailbox<WorkerEnd> ended;
    Mailbox<std::string> failed;

  private:
    static NannyOptions quiet(NannyOptions options) {
        options.command.program = WORKER_PROGRAM;
        options.passes_log_on = false;
        return options;
    }
    NannyHandlers handlers() {
        return {.started = [this](pid_t pid) { started.put(pid); },
                .ended = [this](const WorkerEnd& end) { ended.put(end); },
                .failed = [this](const std::string& why) { failed.put(why); }};
    }

    satchel::net::EventLoop& loop_;
    Nanny nanny_;
};

NannyOptions running(std::vector<std::string> arguments) {
    return {.command = {.arguments = std::move(arguments)}};
}

std::ptrdiff_t open_files() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Starts a program without any care, as a shell would.
pid_t run(std::vector<std::string> arguments, std::vector<std::string> variables = {}) {
    std::vector<char*> texts;
    texts.reserve(arguments.size() + 1);
    for (auto& argument : arguments) texts.push_back(argument.data());
    texts.push_back(nullptr);
    std::vector<char*> environment;
    environment.reserve(variables.size() + 1);
    for (auto& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_t pid = -1;
    REQUIRE(::posix_spawn(&pid, texts[0], nullptr, nullptr, texts.data(), environment.data()) == 0);
    return pid;
}

}  // namespace

TEST_CASE("a worker that is killed is replaced, and its end is told") {
    satchel::net::EventLoop loop;
    LifeLine line;
    Watched nanny(loop, running({"live", line.path()}));
    nanny.start();
    const auto first = nanny.started.take();
    CHECK(line.wait_for(1) == std::vector{first});
    REQUIRE(::kill(first, SIGKILL) == 0);
    const auto end = nanny.ended.take();
    CHECK(end.pid == first);
    CHECK(end.status.signal == SIGKILL);
    CHECK(end.was_ready);
    CHECK_FALSE(end.was_asked);
    CHECK(end.describe() == fmt::format("the worker process {} was ended by signal 9 (Killed), "
                                        "which satchel did not send: perhaps the system ran out "
                                        "of memory",
                                        first));
    const auto second = nanny.started.take();
    CHECK(second != first);
    CHECK(line.wait_for(1) == std::vector{second});
    nanny.stop();
    CHECK(nanny.ended.take().was_asked);
    line.wait_for_end();
}

TEST_CASE("the last lines of a worker's log come with its end") {
    satchel::net::EventLoop loop;
    auto options = running({"abort"});
    options.kept_lines = 3;
    Watched nanny(loop, options);
    nanny.start();
    const auto end = nanny.ended.take();
    CHECK(end.last_lines == std::vector<std::string>{"line 98", "line 99", "the last words"});
    CHECK(end.describe().ends_with(
        "was ended by signal 6 (Aborted); the last lines of its log:\n  line 98\n  line 99\n  the "
        "last words"));
    CHECK(nanny.failed.is_empty());
}

TEST_CASE("a worker that ends again and again is started again and again") {
    satchel::net::EventLoop loop;
    auto options = running({"echo"});
    options.first_pause = 1ms;
    options.longest_pause = 4ms;
    Watched nanny(loop, options);
    nanny.start();
    for (int i = 0; i < 6; ++i) CHECK(nanny.ended.take().status.code == 7);
    nanny.stop();
}

TEST_CASE("a worker that others kill again and again is replaced without a pause") {
    LifeLine line;
    satchel::net::EventLoop loop;
    auto options = running({"live", line.path()});
    options.first_pause = 1h;
    options.longest_pause = 1h;
    Watched nanny(loop, options);
    nanny.start();
    for (int i = 0; i < 4; ++i) {
        const auto pid = line.wait_for(1).front();
        ::kill(pid, SIGKILL);
        CHECK(nanny.ended.take().pid == pid);
    }
    nanny.stop();
}

TEST_CASE("a worker whose limit is too small for it to begin is not started again") {
    satchel::net::EventLoop loop;
    LifeLine line;
    auto options = running({"live", line.path()});
    options.memory_limit = 4096;
    Watched nanny(loop, options);
    nanny.start();
    CHECK(nanny.ended.take().began_over_limit);
    const auto why = nanny.failed.take();
    CHECK(why.find("more than 95 % of its memory limit of 4.00 kiB, before it had done anything; "
                   "make the limit larger") != std::string::npos);
    loop.call([] {});
    CHECK(nanny.ended.is_empty());
}

TEST_CASE("a worker that ignores SIGTERM is killed") {
    satchel::net::EventLoop loop;
    LifeLine line;
    auto options = running({"stubborn", line.path()});
    options.stop_grace = 10ms;
    Watched nanny(loop, options);
    nanny.start();
    line.wait_for(1);  // until it ignores the signal
    nanny.restart();
    const auto check_end = [&] {
        const auto end = nanny.ended.take();
        CHECK(end.was_asked);
        CHECK(end.status.signal == SIGKILL);
    };
    check_end();
    line.wait_for(1);
    nanny.stop();
    check_end();
}

TEST_CASE("a program that does not get to init is not started again") {
    satchel::net::EventLoop loop;
    auto options = running({"echo"});
    options.command.environment = {"HELPER_BEFORE_INIT=exit"};
    Watched exits(loop, options);
    exits.start();
    const auto end = exits.ended.take();
    CHECK_FALSE(end.was_ready);
    CHECK(exits.failed.take() ==
          fmt::format("the worker process {} exited with code 3 before it called "
                      "satchel::init(argc, argv), with which main() must begin",
                      end.pid));

    options.command.environment = {"HELPER_BEFORE_INIT=hang"};
    options.start_timeout = 20ms;
    Watched hangs(loop, options);
    hangs.start();
    CHECK(
        hangs.failed.take().find("(Killed): it did not get to satchel::init(argc, argv) in time") !=
        std::string::npos);
    loop.call([] {});
    CHECK(hangs.started.is_empty());
}

TEST_CASE("workers that are killed before init are started again, but not for ever") {
    satchel::net::EventLoop loop;
    auto options = running({"echo"});
    options.command.environment = {"HELPER_BEFORE_INIT=kill"};
    options.first_pause = 1ms;
    options.longest_pause = 1ms;
    Watched nanny(loop, options);
    nanny.start();
    for (int i = 0; i < 5; ++i) CHECK_FALSE(nanny.ended.take().was_ready);
    const auto why = nanny.failed.take();
    CHECK(why.find("was ended by signal 9 (Killed), which satchel did not send: perhaps the system "
                   "ran out of memory") != std::string::npos);
    CHECK(why.find("init") == std::string::npos);
    loop.call([] {});
    CHECK(nanny.ended.is_empty());
    CHECK(nanny.started.is_empty());
}

TEST_CASE("workers that end before they have joined are started again, but not for ever") {
    satchel::net::EventLoop loop;
    auto options = running({"early"});
    options.first_pause = 1ms;
    options.longest_pause = 1ms;
    Watched nanny(loop, options);
    nanny.start();
    WorkerEnd end;
    for (int i = 0; i < 5; ++i) end = nanny.ended.take();
    CHECK(end.was_ready);
    CHECK_FALSE(end.has_joined);
    CHECK(nanny.failed.take() ==
          fmt::format("the worker process {} exited with code 0 before it had joined its cluster",
                      end.pid));
    loop.call([] {});
    CHECK(nanny.ended.is_empty());
}

TEST_CASE("a program that forgot init gets one clear sentence, and starts two processes in all") {
    LifeLine line;
    const auto count = line.folder() / "count";
    const auto output = line.folder() / "output";
    std::ofstream(count).close();
    const auto command = "'" FORGETFUL_PROGRAM "' > '" + output.string() + "' 2>&1";
    const auto pid = run({"/bin/sh", "-c", command}, {"FORGETFUL_COUNT=" + count.string()});
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WEXITSTATUS(status) == 0);
    std::ifstream file(output);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    CHECK(text.find(" exited with code 1 before it called satchel::init(argc, argv), with which "
                    "main() must begin; the last lines of its log:\n  this process was started as "
                    "a worker, but its main() did not begin with satchel::init(argc, argv): add "
                    "that call; until then, no worker processes are started\n") !=
          std::string::npos);
    CHECK(std::filesystem::file_size(count) == 2);
}

TEST_CASE("no worker outlives a parent that is killed") {
    for (const auto* mode : {"live", "stopped"}) {
        CAPTURE(mode);
        LifeLine line;
        const auto parent = run({WORKER_PROGRAM, "parent", line.path(), "4", mode});
        CHECK(line.wait_for(4).size() == 4);
        REQUIRE(::kill(parent, SIGKILL) == 0);
        REQUIRE(::waitpid(parent, nullptr, 0) == parent);
        line.wait_for_end();
    }
}

TEST_CASE("nannies leave no process and no open file behind") {
    satchel::net::EventLoop loop;
    const auto round = [&] {
        LifeLine line;
        std::vector<std::unique_ptr<Watched>> nannies;
        for (int i = 0; i < 4; ++i) {
            nannies.push_back(std::make_unique<Watched>(loop, running({"live", line.path()})));
            nannies.back()->start();
        }
        CHECK(line.wait_for(4).size() == 4);
        // Some are stopped, the others just given up.
        nannies[0]->stop();
        nannies[1]->stop();
        nannies.clear();
        line.wait_for_end();
    };
    round();
    const auto before = open_files();
    for (int i = 0; i < 3; ++i) round();
    CHECK(open_files() == before);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a nanny may be destroyed by what it calls") {
    satchel::net::EventLoop loop;
    Mailbox<int> done;
    std::unique_ptr<Nanny> nanny;
    NannyOptions options{.command = {.program = WORKER_PROGRAM, .arguments = {"echo"}},
                         .passes_log_on = false};
    nanny = std::make_unique<Nanny>(loop, options, NannyHandlers{.ended = [&](const WorkerEnd&) {
                                        nanny.reset();
                                        done.put(1);
                                    }});
    loop.call([&] { nanny->start(); });
    done.take();
    loop.call([] {});
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a nanny can be stopped in a pause, and before any start") {
    satchel::net::EventLoop loop;
    auto options = running({"echo"});
    options.first_pause = 1h;
    options.longest_pause = 1h;
    Watched nanny(loop, options);
    nanny.stop();
    Watched paused(loop, options);
    paused.start();
    paused.ended.take();
    paused.ended.take();
    paused.stop();
    CHECK(paused.ended.is_empty());
}
