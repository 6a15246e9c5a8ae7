// Tests of clusters whose processes are killed, stopped and deserted while they work. Tasks tell in
// a pipe that they run, so that what is done to them is done in the middle.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/local_cluster.hpp>

#include "cluster/faults.hpp"
#include "cluster/scheduler_server.hpp"
#include "cluster/test_client.hpp"
#include "cluster/worker_host.hpp"
#include "net/connection_file.hpp"
#include "process/support.hpp"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace satchel;

namespace satchel_tests {
namespace {

// A few thousand steps that depend on all that came before.
std::int64_t work_on(std::int64_t n) {
    for (int k = 0; k < 20000; ++k) n = (n * 31 + k) % 1'000'003;
    return n;
}

std::int64_t work_and_tell(std::int64_t n, const std::string& pipe) {
    announce(pipe);
    return work_on(n);
}

std::int64_t expected_sum(std::int64_t count) {
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < count; ++k) sum += work_on(k);
    return sum;
}

// A partition for each number; as many tasks as those, and the sums of the sums.
Delayed<std::int64_t> sum_of(std::int64_t count, const std::string& pipe) {
    return range(count, count).map(work_and_tell, pipe).sum();
}

pid_t next_pid(LifeLine& progress) { return progress.wait_for(1).front(); }

// A scheduler in this process, and what others need to find it.
struct Place {
    explicit Place(scheduler::Options options = {})
        : server(loop, {.credentials = credentials,
                        .listen = {net::Address::parse("tcp://127.0.0.1:0")},
                        .scheduler = options}),
          client(server.addresses().front(), credentials) {
        net::write_connection_file(file, {server.addresses(), credentials});
    }

    LifeLine progress;
    std::string file = (progress.folder() / "cluster.json").string();
    net::Credentials credentials = net::Credentials::generate();
    net::EventLoop loop;
    cluster::SchedulerServer server;
    TestClient client;
};

std::int64_t tasks_known(const ClusterInfo& info) {
    std::int64_t all = 0;
    for (const auto& [state, count] : info.tasks) all += count;
    return all;
}

}  // namespace

TEST_CASE("every worker is killed once, and the answer is the same") {
    LifeLine progress;
    const LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1});
    const Client client(cluster);
    const auto sum = client.compute(sum_of(600, progress.path()));
    std::set<pid_t> killed;
    while (killed.size() < 3) {
        const auto pid = next_pid(progress);
        if (killed.insert(pid).second) ::kill(pid, SIGKILL);
    }
    CHECK(sum.result() == expected_sum(600));
}

TEST_CASE("a bag of 2000 partitions survives twenty deaths") {
    constexpr std::int64_t partitions = 2000;
    LifeLine progress;
    const LocalCluster cluster({.n_workers = 4, .threads_per_worker = 1});
    const Client client(cluster);
    const auto sum = client.compute(sum_of(partitions, progress.path()));
    // Not always after as many calls: what is computed again is announced in the same order, and
    // one task must not be there each time.
    std::set<pid_t> killed;
    for (int k = 0; killed.size() < 20; ++k) {
        const auto pid = progress.wait_for(20 + 37 * k % 60).back();
        // What was announced before a death may be read after it.
        if (killed.insert(pid).second) REQUIRE(::kill(pid, SIGKILL) == 0);
    }
    CHECK(sum.result() == expected_sum(partitions));
}

namespace {

enum class Way { exits, quits, ends, nested };

int die(Way way) {
    switch (way) {
        case Way::exits:
            ::_exit(0);
        case Way::quits:
            ::_exit(9);
        case Way::ends:
            ::kill(::getpid(), SIGTERM);
            while (true) ::pause();
        case Way::nested:
            return delayed(die)(Way::quits).compute();
    }
    return 0;
}

}  // namespace

TEST_CASE("a task that ends its process, in whatever way, is told from all others") {
    for (const auto way : {Way::exits, Way::quits, Way::ends, Way::nested}) {
        CAPTURE(static_cast<int>(way));
        const LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
        const Client client(cluster);
        CHECK_THROWS_AS((void)client.submit(die, way).result(), KilledWorker);
        CHECK(client.submit(work_on, std::int64_t{3}).result() == work_on(3));
    }
}

TEST_CASE("after a restart there are as many workers as before") {
    for (const bool processes : {true, false}) {
        CAPTURE(processes);
        const LocalCluster cluster(
            {.n_workers = 2, .threads_per_worker = 1, .processes = processes});
        const Client client(cluster);
        const auto kept = client.submit(work_on, std::int64_t{3});
        CHECK(kept.result() == work_on(3));
        client.restart();
        CHECK(client.scheduler_info().workers.size() == 2);
        CHECK_THROWS_AS((void)kept.result(), Cancelled);
        CHECK(client.submit(work_on, std::int64_t{4}).result() == work_on(4));
    }
}

TEST_CASE("after a run, no process is left") {
    LifeLine progress;
    std::vector<Process> processes;
    {
        const LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
        const Client client(cluster);
        const auto endless =
            client.map(announce_until_stopped, std::vector<std::string>(2, progress.path()));
        for (const auto pid : progress.wait_for(2)) processes.emplace_back(pid);
    }
    for (const auto& process : processes) CHECK(process.has_ended());
}

TEST_CASE("a worker that stands still for too long is replaced, and comes back") {
    Place place({.heartbeat_interval = 50'000'000, .time_to_live = 1'000'000'000});
    net::EventLoop loop;
    const cluster::WorkerParameters parameters{
        .access = {place.server.addresses().front(), place.credentials}};
    cluster::WorkerHost host(loop, parameters, [](const std::string&) {});
    loop.call([&] {
        host.add("one");
        host.add("two");
    });
    place.client.wait_for_workers(2);
    const Client client(place.file);
    const auto sum = client.compute(sum_of(600, place.progress.path()));
    const Process stopped(next_pid(place.progress));
    stopped.send(SIGSTOP);
    place.client.wait_for_exactly(1);
    CHECK(sum.result() == expected_sum(600));
    stopped.send(SIGCONT);
    place.client.wait_for_exactly(2);
    CHECK(!stopped.has_ended());
    CHECK(client.compute(sum_of(100, place.progress.path())).result() == expected_sum(100));
}

TEST_CASE("nobody waits for a result from a worker that stands still") {
    Place place({.heartbeat_interval = 50'000'000, .time_to_live = 1'000'000'000});
    net::EventLoop loop;
    const cluster::WorkerParameters parameters{
        .access = {place.server.addresses().front(), place.credentials}};
    cluster::WorkerHost host(loop, parameters, [](const std::string&) {});
    loop.call([&] { host.add("one"); });
    place.client.wait_for_workers(1);
    Client client(place.file);
    const auto fill = [](int x) { return std::vector<int>(1'000'000, x); };
    const auto first = client.submit(fill, 1), second = client.submit(fill, 2);
    CHECK(first.result().size() == 1'000'000);  // there is a connection
    CHECK(wait(second));
    const Process stopped(static_cast<pid_t>(client.submit([] { return ::getpid(); }).result()));
    stopped.send(SIGSTOP);
    loop.call([&] { host.add("two"); });
    // It is lost with the worker, and made again by the other one.
    CHECK(second.result().back() == 2);

    const auto third = client.submit(fill, 3);
    CHECK(wait(third));
    const Process other(static_cast<pid_t>(client.submit([] { return ::getpid(); }).result()));
    other.send(SIGSTOP);
    std::thread closer([&] { client.close(); });
    CHECK_THROWS_AS(third.result(), ClientClosed);
    closer.join();
    other.send(SIGCONT);
    stopped.send(SIGCONT);
}

TEST_CASE("a worker without a nanny ends while a task runs") {
    Place place;
    const Program worker({"--satchel-worker", "--connection-file", place.file, "--no-nanny"});
    place.client.wait_for_workers(1);
    const Client client(place.file);
    const auto future = client.submit(
        [](const std::string& pipe) {
            announce(pipe);
            while (true) ::pause();
            return 0;
        },
        place.progress.path());
    const Process process(next_pid(place.progress));
    CHECK(process.pid() == worker.pid());
    process.send(SIGTERM);
    process.wait_for_end();
    place.client.wait_for_exactly(0);
}

TEST_CASE("programs that tasks start can be ended by signals") {
    Place place;
    const Program worker({"worker", place.file});
    place.client.wait_for_workers(1);
    const Client client(place.file);
    const auto blocked = client.submit([] {
        std::string text(256, ' ');
        auto* pipe = ::popen("grep SigBlk /proc/self/status", "r");
        text.resize(std::fread(text.data(), 1, text.size(), pipe));
        ::pclose(pipe);
        return text;
    });
    CHECK(blocked.result() == "SigBlk:\t0000000000000000\n");
}

TEST_CASE("a worker that finds no scheduler where it looks says so") {
    Place place;
    const Program worker({"worker", place.file});
    place.client.wait_for_workers(1);
    const auto address = place.client.info().workers.front().address;
    CHECK_THROWS_WITH_AS(
        Client(address, place.file),
        fmt::format("connecting to {}: a worker answers there, no scheduler", address).c_str(),
        ConnectionError);
}

TEST_CASE("a nanny that is killed takes its worker along, and nothing else") {
    Place place;
    std::vector<std::unique_ptr<Program>> nannies;
    for (int k = 0; k < 2; ++k) {
        nannies.push_back(
            std::make_unique<Program>(std::vector<std::string>{"worker", place.file}));
    }
    place.client.wait_for_workers(2);
    const Client client(place.file);
    const auto sum = client.compute(sum_of(600, place.progress.path()));
    const Process worker(next_pid(place.progress));
    for (const auto& nanny : nannies) {
        if (nanny->pid() == worker.parent()) nanny->kill();
    }
    worker.wait_for_end();
    CHECK(sum.result() == expected_sum(600));
    place.client.wait_for_exactly(1);
}

TEST_CASE("what a client that is killed has asked for is stopped and dropped") {
    Place place;
    const Program one({"worker", place.file}), two({"worker", place.file});
    place.client.wait_for_workers(2);
    Program client({"client", place.file, place.progress.path()});
    (void)place.progress.wait_for(2);  // its tasks run …
    CHECK(tasks_known(place.client.info()) == 102);
    client.kill();
    (void)place.progress.wait_for(2);  // … and have been told to stop
    const auto info = place.client.info();
    CHECK(tasks_known(info) == 0);
    for (const auto& worker : info.workers) CHECK(worker.held == 0);
    const Client other(place.file);
    CHECK(other.compute(sum_of(100, place.progress.path())).result() == expected_sum(100));
}

}  // namespace satchel_tests
