// Tests of `satchel scheduler` and `satchel worker`, from outside.
#include <satchel/module.hpp>

#include "base/file_descriptor.hpp"
#include "cluster/test_client.hpp"
#include "net/connection_file.hpp"
#include "process/support.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;
using namespace satchel_tests;

namespace {

// A command that runs, with its standard output and standard error output in one pipe.
class Command {
  public:
    explicit Command(std::vector<std::string> arguments, const char* program = SATCHEL_PROGRAM) {
        arguments.insert(arguments.begin(), program);
        std::vector<char*> pointers;
        for (auto& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        output_ = detail::FileDescriptor(ends[0]);
        const detail::FileDescriptor input(ends[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        REQUIRE(::posix_spawn(&pid_, program, &actions, nullptr, pointers.data(), environ) == 0);
        ::posix_spawn_file_actions_destroy(&actions);
    }
    ~Command() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    std::string line() {
        std::string text;
        char c = 0;
        while (::read(output_.get(), &c, 1) == 1 && c != '\n') text += c;
        return text;
    }
    std::string rest() {
        std::string text;
        char c = 0;
        while (::read(output_.get(), &c, 1) == 1) text += c;
        return text;
    }
    void signal(int number) const { ::kill(pid_, number); }
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

  private:
    pid_t pid_ = -1;
    detail::FileDescriptor output_;
};

struct Place {
    LifeLine folder;
    std::string file = (folder.folder() / "cluster.json").string();
    Command scheduler{{"scheduler", "--port", "0", "--connection-file", file}};
    std::string line = scheduler.line();
    net::ConnectionFile found = net::read_connection_file(file);
    TestClient client{found.addresses.front(), found.credentials};
};

}  // namespace

TEST_CASE("scheduler and workers find each other, and end cleanly") {
    for (const int number : {SIGTERM, SIGINT}) {
        Place place;
        CHECK(place.line == "Scheduler at: " + place.found.addresses.front().text());
        struct stat status {};
        REQUIRE(::stat(place.file.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);

        Command pair({"worker", "--connection-file", place.file, "--nworkers", "2", "--nthreads",
                      "3", "--memory-limit", "1GB", "--name", "pair"});
        Command alone({"worker", place.found.addresses.front().text(), "--connection-file",
                       place.file, "--no-nanny", "--name", "alone"});
        place.client.wait_for_workers(3);
        for (const auto& worker : place.client.info().workers) {
            if (worker.name == "alone") continue;
            CHECK((worker.name == "pair-0" || worker.name == "pair-1"));
            CHECK(worker.threads == 3);
            CHECK(worker.memory_limit == 1'000'000'000);
        }
        pair.signal(number);
        CHECK(pair.wait() == 0);
        CHECK(pair.rest().empty());
        place.client.wait_for_exactly(1);
        // The other one is told by the scheduler.
        place.scheduler.signal(number);
        CHECK(place.scheduler.wait() == 0);
        CHECK(place.scheduler.rest().empty());
        CHECK(alone.wait() == 0);
        CHECK(alone.rest().empty());
        CHECK(::stat(place.file.c_str(), &status) != 0);
    }
}

TEST_CASE("a second worker of a name is refused, and the first one stays") {
    for (const bool has_nanny : {true, false}) {
        CAPTURE(has_nanny);
        Place place;
        const std::vector<std::string> arguments = {"worker", "--connection-file", place.file,
                                                    "--name", "one"};
        Command first(arguments);
        place.client.wait_for_workers(1);
        const auto worker = place.client.info().workers.front();
        auto others = arguments;
        if (!has_nanny) others.emplace_back("--no-nanny");
        Command second(others);
        CHECK(second.wait() == 1);
        const auto text = second.rest();
        CAPTURE(text);
        CHECK(text.find("there is a worker named 'one' already, at " + worker.address) !=
              std::string::npos);
        CHECK(place.scheduler.line().find("is refused") != std::string::npos);
        const auto info = place.client.info();
        REQUIRE(info.workers.size() == 1);
        CHECK(info.workers.front().worker == worker.worker);
    }
}

TEST_CASE("workers without a name have one that no other computer's worker has") {
    Place place;
    Command one({"worker", "--connection-file", place.file});
    place.client.wait_for_workers(1);
    std::array<char, 256> host{};
    REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
    CHECK(place.client.info().workers.front().name.starts_with(std::string(host.data()) + "-"));
}

TEST_CASE("a worker that finds another worker where it looks for a scheduler ends") {
    Place place;
    Command first({"worker", "--connection-file", place.file, "--no-nanny"});
    place.client.wait_for_workers(1);
    const auto address = place.client.info().workers.front().address;
    Command second({"worker", address, "--connection-file", place.file, "--no-nanny"});
    CHECK(second.wait() == 1);
    CHECK(second.rest().find("a worker answers there, no scheduler") != std::string::npos);
}

TEST_CASE("workers end with their scheduler, and wait for one") {
    Place place;
    Command workers({"worker", "--connection-file", place.file, "--nworkers", "2"});
    place.client.wait_for_workers(2);
    place.client.send(ShutdownCluster{});
    CHECK(place.scheduler.wait() == 0);
    CHECK(workers.wait() == 0);
    CHECK(workers.rest().empty());
}

TEST_CASE("workers are restarted by their nannies, and by themselves") {
    Place place;
    Command pair({"worker", "--connection-file", place.file, "--nworkers", "2"});
    Command alone({"worker", "--connection-file", place.file, "--no-nanny"});
    place.client.wait_for_workers(3);
    std::uint32_t newest = 0;
    for (const auto& worker : place.client.info().workers) {
        newest = std::max(newest, worker.worker.incarnation);
    }
    place.client.send(RestartWorkers{});
    place.client.wait_for_workers_after(newest, 3);
    pair.signal(SIGTERM);
    CHECK(pair.wait() == 0);
    alone.signal(SIGTERM);
    CHECK(alone.wait() == 0);
}

TEST_CASE("workers give up a scheduler that was killed") {
    Place place;
    Command pair(
        {"worker", "--connection-file", place.file, "--nworkers", "2", "--death-timeout", "300ms"});
    Command alone(
        {"worker", "--connection-file", place.file, "--no-nanny", "--death-timeout", "300ms"});
    place.client.wait_for_workers(3);
    place.scheduler.signal(SIGKILL);
    CHECK(alone.wait() == 1);
    CHECK(pair.wait() == 1);
    CHECK(pair.rest().find("gives up its scheduler") != std::string::npos);
}

TEST_CASE("workers with another key do not wait for the scheduler to change its mind") {
    Place place;
    auto other = place.found;
    other.credentials.key = net::Credentials::generate().key;
    const auto file = (place.folder.folder() / "other.json").string();
    net::write_connection_file(file, other);
    Command alone({"worker", "--connection-file", file, "--no-nanny"});
    Command pair({"worker", "--connection-file", file, "--nworkers", "2"});
    CHECK(alone.wait() == 1);
    CHECK(alone.rest().find("does not have the key of the cluster") != std::string::npos);
    CHECK(pair.wait() == 1);
    CHECK(pair.rest().find("does not have the key of the cluster") != std::string::npos);
}

TEST_CASE("a worker of another program says what it lacks") {
    Place place;
    Command worker({"worker", "--connection-file", place.file});
    auto layer = layer_of(Function([](Arguments&) { return Value::of(1); }), "mine", 1);
    const auto token = layer.token;
    place.client.update({{}, {layer}, {{token, 0, 1}}});
    CHECK_THROWS_AS(place.client.result({token, 0}), ModuleMissing);
}

TEST_CASE("any program is a worker for its own functions, whatever its own options are") {
    Place place;
    Command worker({"--verbose", "input file", "--satchel-worker", "--connection-file", place.file,
                    "--nthreads=3", "--name", "mine", "--memory-limit", "1GB"},
                   CLUSTER_PROGRAM);
    place.client.wait_for_workers(1);
    const auto info = place.client.info().workers.at(0);
    CHECK(info.name == "mine");
    CHECK(info.threads == 3);
    CHECK(info.memory_limit == 1'000'000'000);
    worker.signal(SIGTERM);
    CHECK(worker.wait() == 0);
    CHECK(worker.rest().empty());

    Command wrong({"--satchel-worker", "--colour"}, CLUSTER_PROGRAM);
    CHECK(wrong.wait() == 1);
    CHECK(wrong.rest().find("no option '--colour'") != std::string::npos);
    // After "--" there are no options.
    CHECK(Command({"--", "--satchel-worker", "a"}, CLUSTER_PROGRAM).wait() == 2);
}

TEST_CASE("a scheduler that ends leaves the file of the next one") {
    Place first;
    Command second({"scheduler", "--port", "0", "--connection-file", first.file});
    const auto line = second.line();
    first.scheduler.signal(SIGTERM);
    CHECK(first.scheduler.wait() == 0);
    const auto found = net::read_connection_file(first.file);
    CHECK(line == "Scheduler at: " + found.addresses.front().text());
    second.signal(SIGTERM);
    CHECK(second.wait() == 0);
    CHECK(!std::filesystem::exists(first.file));
}

TEST_CASE("what cannot work is said in one line") {
    const LifeLine folder;
    const auto file = (folder.folder() / "none.json").string();
    Command worker({"worker", "--connection-file", file});
    CHECK(worker.wait() == 1);
    CHECK(worker.rest().find("none.json") != std::string::npos);
    Command scheduler(
        {"scheduler", "--port", "0", "--host", "192.0.2.1", "--connection-file", file});
    CHECK(scheduler.wait() == 1);
    CHECK(!scheduler.rest().empty());
    Command usage({"worker", "--no-such-option"});
    CHECK(usage.wait() != 0);
    for (const std::string option : {"--idle-timeout", "--death-timeout"}) {
        const bool is_idle = option == "--idle-timeout";
        Command for_ever({is_idle ? "scheduler" : "worker", option, "120000d"});
        CHECK(for_ever.wait() != 0);
        CHECK(for_ever.rest().find("a hundred years are the most") != std::string::npos);
    }
}
