// Tests of clusters of real processes.
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>

#include "cluster/access.hpp"
#include "cluster/test_client.hpp"
#include "cluster/worker_host.hpp"
#include "net/support.hpp"
#include "process/support.hpp"
#include "process/worker_mode.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <semaphore>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;
using namespace satchel_tests;

namespace {

TestClient client_of(const LocalCluster& cluster) {
    return {cluster.access().scheduler, cluster.access().credentials};
}

// A few thousand steps that depend on all that came before.
std::int64_t work_on(std::int64_t n) {
    for (int k = 0; k < 20000; ++k) n = (n * 31 + k) % 1'000'003;
    return n;
}

Function first_function() {
    return Function([](Arguments& in) { return Value::of(work_on(in.index())); });
}

Function sum_function() {
    return Function([](Arguments& in) {
        std::int64_t sum = 0;
        for (std::uint32_t k = 0; k < in.size(); ++k) sum += in.get<std::int64_t>(k);
        return Value::of(work_on(sum));
    });
}

std::int64_t expected_sum(std::int64_t count) {
    std::int64_t total = 0;
    for (std::int64_t k = 0; k < count; k += 8) {
        std::int64_t sum = 0;
        for (std::int64_t i = k; i < std::min(k + 8, count); ++i) sum += work_on(i);
        total += work_on(sum);
    }
    return work_on(total);
}

Token start_sum(TestClient& client, std::uint32_t count) {
    auto first = layer_of(first_function(), "first", count);
    const auto blocks = (count + 7) / 8;
    auto sums = layer_of(sum_function(), "sums", blocks, {Input::block(0, count, 8)});
    auto total = layer_of(sum_function(), "total", 1, {Input::all(count, blocks)});
    const auto token = total.token;
    client.update({{}, {first, sums, total}, {{token, 0, 1}}});
    return token;
}

std::vector<pid_t> pids_of_workers(TestClient& client, std::uint32_t workers) {
    auto layer = layer_of(Function([](Arguments&) {
                              work_on(1);
                              return Value::of(std::int64_t{::getpid()});
                          }),
                          "pids", 64 * workers);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, layer.count}}});
    std::set<pid_t> pids;
    for (std::uint64_t k = 0; k < layer.count; ++k) {
        pids.insert(static_cast<pid_t>(client.get<std::int64_t>(token, k)));
    }
    return {pids.begin(), pids.end()};
}

}  // namespace

TEST_CASE("worker processes compute") {
    const LocalCluster cluster({.n_workers = 4, .threads_per_worker = 2, .memory_limit = "4GB"});
    CHECK(cluster.address().starts_with("tcp://127.0.0.1:"));
    auto client = client_of(cluster);
    const auto info = client.info();
    REQUIRE(info.workers.size() == 4);
    for (const auto& worker : info.workers) {
        CHECK(worker.threads == 2);
        CHECK(worker.memory_limit == 4'000'000'000);
    }
    CHECK(client.get<std::int64_t>(start_sum(client, 1000)) == expected_sum(1000));
    for (const auto pid : pids_of_workers(client, 4)) CHECK(pid != ::getpid());
}

TEST_CASE("workers in this process compute") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1, .processes = false});
    auto client = client_of(cluster);
    CHECK(client.get<std::int64_t>(start_sum(client, 100)) == expected_sum(100));
    CHECK(pids_of_workers(client, 2) == std::vector{::getpid()});
    cluster.close();
    CHECK(client.wait_for_end() == "the cluster was shut down");
}

TEST_CASE("a worker that is killed costs nothing but time") {
    const LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1});
    auto client = client_of(cluster);
    const auto pids = pids_of_workers(client, 3);
    REQUIRE(!pids.empty());
    for (const auto pid : pids) {
        const auto token = start_sum(client, 2000);
        ::kill(pid, SIGKILL);
        CHECK(client.get<std::int64_t>(token) == expected_sum(2000));
    }
    client.wait_for_exactly(3);
}

namespace {

Value crash_at_three(const Arguments& in) {
    if (in.index() == 3) {
        fmt::print(stderr, "about to crash\n");
        ::signal(SIGSEGV, SIG_DFL);  // the sanitizers' handler would exit
        ::raise(SIGSEGV);
    }
    return Value::of(std::int64_t{in.index()});
}

}  // namespace

TEST_CASE("a task that kills its workers is told from all others") {
    const QuietLog quiet;
    const LocalCluster cluster({.n_workers = 2, .threads_per_worker = 2});
    auto client = client_of(cluster);
    auto layer = layer_of(Function(&crash_at_three), "crash", 40);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, layer.count}}});
    for (std::uint64_t k = 0; k < layer.count; ++k) {
        if (k != 3) CHECK(client.get<std::int64_t>(token, k) == static_cast<std::int64_t>(k));
    }
    try {
        client.result({token, 3});
        FAIL("it has a result");
    } catch (const KilledWorker& error) {
        const std::string text = error.what();
        CAPTURE(text);
        CHECK(text.find("signal 11") != std::string::npos);
        CHECK(text.find("about to crash") != std::string::npos);
    }
    CHECK(client.get<std::int64_t>(start_sum(client, 100)) == expected_sum(100));
}

namespace {

// One crashes when the others have begun, or when it has waited for them in vain.
Value crash_beside_others(Arguments& in) {
    static std::counting_semaphore<> begun(0);
    if (in.index() > 0) {
        begun.release();
        std::binary_semaphore end(0);
        (void)end.try_acquire_for(std::chrono::milliseconds(200));
        return Value::of(std::int64_t{in.index()});
    }
    for (int k = 0; k < 3 && begun.try_acquire_for(std::chrono::milliseconds(50)); ++k) {
    }
    std::raise(SIGSEGV);
    return {};
}

}  // namespace

TEST_CASE("who runs beside a task that kills its workers is not blamed for it") {
    const QuietLog quiet;
    const LocalCluster cluster({.n_workers = 1, .threads_per_worker = 4});
    auto client = client_of(cluster);
    auto layer = layer_of(Function(&crash_beside_others), "crash", 4);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, layer.count}}});
    for (std::uint64_t k = 1; k < layer.count; ++k) {
        CHECK(client.get<std::int64_t>(token, k) == static_cast<std::int64_t>(k));
    }
    CHECK_THROWS_AS(client.result({token, 0}), KilledWorker);
}

TEST_CASE("a cluster grows and shrinks, and what is there stays") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    auto client = client_of(cluster);
    cluster.scale(3);
    client.wait_for_exactly(3);
    auto layer = layer_of(first_function(), "first", 100);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 100}}});
    for (std::uint64_t k = 0; k < 100; ++k) client.result({token, k});
    cluster.scale(1);
    client.wait_for_exactly(1);
    auto total = layer_of(sum_function(), "total", 1, {Input::all(0, 100)});
    const auto sum = total.token;
    std::int64_t expected = 0;
    for (int k = 0; k < 100; ++k) expected += work_on(k);
    client.update({{{token, 0, 100}}, {total}, {{sum, 0, 1}}});
    CHECK(client.get<std::int64_t>(sum) == work_on(expected));
}

TEST_CASE("threads as workers come and go at once") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .processes = false});
    auto client = client_of(cluster);
    for (int k = 0; k < 20; ++k) {
        cluster.scale(4);
        cluster.scale(1);
    }
    client.wait_for_exactly(1);
    CHECK(client.get<std::int64_t>(start_sum(client, 10)) == expected_sum(10));
}

TEST_CASE("a worker that could not be started is none") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    auto client = client_of(cluster);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const auto next = ::dup(0);  // the first number that is free
    REQUIRE(::close(next) == 0);
    const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none_left) == 0);
    // Sanitizers want descriptors to look at an exception.
    std::exception_ptr error;
    try {
        cluster.scale(2);
    } catch (...) {
        error = std::current_exception();
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(error);
    CHECK_THROWS_AS(std::rethrow_exception(error), Error);
    cluster.scale(2);
    client.wait_for_exactly(2);
}

TEST_CASE("without workers everything is lost, and made again when there are some") {
    const QuietLog quiet;
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    auto client = client_of(cluster);
    auto layer = layer_of(first_function(), "first", 10);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 10}}});
    for (std::uint64_t k = 0; k < 10; ++k) client.result({token, k});
    cluster.scale(0);
    client.wait_for_exactly(0);
    auto total = layer_of(sum_function(), "total", 1, {Input::all(0, 10)});
    const auto sum = total.token;
    client.update({{{token, 0, 10}}, {total}, {{sum, 0, 1}}});
    cluster.scale(2);
    std::int64_t expected = 0;
    for (int k = 0; k < 10; ++k) expected += work_on(k);
    CHECK(client.get<std::int64_t>(sum) == work_on(expected));
}

TEST_CASE("a task that uses up the memory of its worker is told from all others") {
    const QuietLog quiet;
    const LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .memory_limit = "200MB"});
    auto client = client_of(cluster);
    auto layer = layer_of(Function([](Arguments& in) {
                              // Not more than the tests may use, should nobody stop it.
                              constexpr std::size_t most = 400'000'000;
                              if (in.index() != 2) return Value::of(std::int64_t{in.index()});
                              const std::vector<char> all(most, 'x');
                              while (all.front() == 'x') ::pause();
                              return Value::of(std::int64_t{0});
                          }),
                          "greedy", 5);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 5}}});
    try {
        client.result({token, 2});
        FAIL("it has a result");
    } catch (const KilledWorker& error) {
        const std::string text = error.what();
        CAPTURE(text);
        CHECK(text.find("greedy:2") != std::string::npos);
        CHECK(text.find("more than 95 % of its memory limit") != std::string::npos);
    }
    for (const auto k : std::vector<std::uint64_t>{0, 1, 3, 4}) {
        CHECK(client.get<std::int64_t>(token, k) == static_cast<std::int64_t>(k));
    }
}

TEST_CASE("a client restarts workers and shuts the cluster down") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    auto client = client_of(cluster);
    client.wait_for_workers(2);
    const auto before = client.info().workers;
    std::uint32_t newest = 0;
    for (const auto& worker : before) newest = std::max(newest, worker.worker.incarnation);
    client.send(RestartWorkers{});
    client.wait_for_workers_after(newest, 2);
    client.send(ShutdownCluster{});
    CHECK(client.wait_for_end() == "the cluster was shut down");
}

namespace {

// In the environment of a worker process of this program: it ends at once.
constexpr const char* early_end = "LOCAL_CLUSTER_TEST_EARLY_END";

[[maybe_unused]] const bool ends_early = [] {
    const bool is_set = std::getenv(early_end) != nullptr;
    if (is_set) {
        process::set_worker_main([](const process::WorkerStart&) {
            fmt::print(stderr, "giving up\n");
            return 3;
        });
    }
    return is_set;
}();

// Processes that are started while it lives end early.
class EarlyEnds {
  public:
    EarlyEnds() { ::setenv(early_end, "1", 1); }
    EarlyEnds(const EarlyEnds&) = delete;
    EarlyEnds& operator=(const EarlyEnds&) = delete;
    ~EarlyEnds() { ::unsetenv(early_end); }
};

}  // namespace

TEST_CASE("workers that end before they have joined are given up, and the cluster with them") {
    QuietLog log;
    {
        const EarlyEnds early;
        CHECK_THROWS_WITH_AS(
            LocalCluster({.n_workers = 2, .threads_per_worker = 1}),
            doctest::Contains("exited with code 3 before it had joined its cluster; "
                              "the last lines of its log:\n  giving up"),
            Error);
    }
    // One that comes later is given up alone.
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    auto client = client_of(cluster);
    {
        const EarlyEnds early;
        cluster.scale(2);
        while (log.text().find("the worker '1' is given up") == std::string::npos) {
            CHECK(client.get<std::int64_t>(start_sum(client, 100)) == expected_sum(100));
        }
    }
    cluster.scale(2);
    client.wait_for_exactly(2);
}

TEST_CASE("a host whose only worker never joins says why it ends") {
    const QuietLog quiet;
    const LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    net::EventLoop loop;
    Mailbox<std::string> ended;
    cluster::WorkerHost host(loop, {.access = cluster.access()},
                             [&](const std::string& why) { ended.put(why); });
    const EarlyEnds early;
    loop.call([&] { host.add("one"); });
    CHECK(ended.take().find("exited with code 3 before it had joined") != std::string::npos);
}

TEST_CASE("options that make no sense are refused") {
    CHECK_THROWS_AS(LocalCluster({.n_workers = -1}), InvalidArgument);
    CHECK_THROWS_AS(LocalCluster({.threads_per_worker = 100'000}), InvalidArgument);
    CHECK_NOTHROW(LocalCluster({.n_workers = 1, .memory_limit = 0, .processes = false}));
    CHECK_THROWS_AS(LocalCluster({.memory_limit = -5}), InvalidArgument);
    CHECK_THROWS_AS(LocalCluster({.memory_limit = "much"}), InvalidArgument);
    CHECK_THROWS_WITH_AS(LocalCluster({.n_workers = 1, .memory_limit = 4}),
                         doctest::Contains("its memory limit of 4 B"), Error);
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .processes = false});
    CHECK_THROWS_AS(cluster.scale(-1), InvalidArgument);
}

TEST_CASE("no worker outlives a program that is killed") {
    LifeLine life;
    const auto path = life.path();
    std::string program = CLUSTER_PROGRAM;
    std::vector<char*> arguments{program.data(), const_cast<char*>(path.c_str()), nullptr};
    pid_t parent = -1;
    REQUIRE(::posix_spawn(&parent, program.c_str(), nullptr, nullptr, arguments.data(), environ) ==
            0);
    life.wait_for(2);
    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    life.wait_for_end();
}
