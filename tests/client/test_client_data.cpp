// Tests of data in the cluster: what persist() keeps there, what scatter() puts there, and what
// graphs take along.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>

#include "client/graph_message.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace satchel;

namespace {

const LocalClusterOptions threads{.n_workers = 2, .threads_per_worker = 1, .processes = false};

// In the workers of `threads` alone, which share this process.
std::atomic<int> calls{0};
std::atomic<bool> may_go_on{false};

std::int64_t counted(std::int64_t x) {
    ++calls;
    return x;
}

std::int64_t held(const Client& client) {
    std::int64_t count = 0;
    for (const auto& worker : client.scheduler_info().workers) count += worker.held;
    return count;
}

std::vector<std::string> blocks(int count) {
    std::vector<std::string> all;
    for (int k = 0; k < count; ++k) all.emplace_back(300'000, static_cast<char>('a' + k));
    return all;
}

// Ends all workers of a cluster of processes; others take their places.
void kill_workers(const Client& client) {
    std::set<std::int64_t> pids;
    const auto workers = client.scheduler_info().workers.size();
    while (pids.size() < workers) {
        for (const auto& pid :
             client.map([](int) { return std::int64_t{::getpid()}; }, std::vector<int>(64))) {
            pids.insert(pid.result());
        }
    }
    for (const auto pid : pids) ::kill(static_cast<pid_t>(pid), SIGKILL);
}

}  // namespace

// Sanitizers take several times the memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("results that fill the memory do not keep others from being made of them") {
    const LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .memory_limit = "200MB"});
    const Client client(cluster);
    const auto large =
        client.map([](int k) { return std::string(10'000'000, static_cast<char>('a' + k)); },
                   std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    wait(large);
    // Works for longer than it takes the worker to notice, which then begins no more tasks.
    const auto work = [](std::uint64_t steps) {
        std::uint64_t x = 1;
        for (; steps > 0; --steps) x = x * 6'364'136'223'846'793'005 + steps;
        return x;
    };
    wait(client.submit(work, std::uint64_t{300'000'000}));
    const auto sizes = client.map([](const std::string& text) { return text.size(); }, large);
    CHECK(client.gather(sizes) == std::vector<std::size_t>(large.size(), 10'000'000));
}
#endif

TEST_CASE("persist computes once, and keeps the results on the workers") {
    LocalCluster cluster(threads);
    Client client(cluster);
    calls = 0;
    {
        const auto kept = range(100, 5).map(counted).persist();
        CHECK(calls == 100);
        CHECK(held(client) == 5);
        CHECK(kept.sum().compute() == 4950);
        CHECK(kept.map([](std::int64_t x) { return x * 2; }).sum().compute() == 9900);
        CHECK(kept.compute().size() == 100);
        CHECK(kept.take(3) == std::vector<std::int64_t>{0, 1, 2});
        CHECK(concat(kept, range(3, 1)).count().compute() == 103);
        CHECK(calls == 100);
        // Others fetch it.
        CHECK(kept.sum().compute(SynchronousExecutor{}) == 4950);
        Client other(cluster);
        CHECK(kept.sum().compute(other) == 4950);
        CHECK(calls == 100);
        CHECK(held(other) == 5);
    }
    CHECK(held(client) == 0);
}

TEST_CASE("what iterates over persisted bags keeps the newest alone") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    auto numbers = range(1000, 4).persist();
    for (int round = 0; round < 20; ++round) {
        numbers = numbers.map([](std::int64_t x) { return x + 1; }).persist();
    }
    CHECK(numbers.sum().compute() == 999 * 500 + 20'000);
    CHECK(held(client) == 4);
}

TEST_CASE("persist of delayed calls, and of several at once") {
    LocalCluster cluster(threads);
    Client client(cluster);
    calls = 0;
    const auto a = delayed(counted)(std::int64_t{20}).persist();
    CHECK(delayed([](std::int64_t x, std::int64_t y) { return x + y; })(a, a).compute() == 40);
    CHECK(a.compute() == 20);
    auto [b, c] = persist(client, range(10, 2).map(counted), delayed(counted)(std::int64_t{3}));
    CHECK(b.sum().compute() == 45);
    CHECK(c.compute() == 3);
    CHECK(calls == 12);
}

TEST_CASE("running what is persisted already leaves it on the workers") {
    LocalCluster cluster(threads);
    Client client(cluster);
    calls = 0;
    const auto call = delayed(counted, {.pure = true})(std::int64_t{3});
    const auto kept = call.persist();
    CHECK(call.compute() == 3);
    CHECK(kept.compute() == 3);
    CHECK(held(client) == 1);
    CHECK(delayed([](std::int64_t x) { return x + 1; })(kept).compute() == 4);
    CHECK(calls == 1);
}

TEST_CASE("client.persist does not wait") {
    LocalCluster cluster(threads);
    Client client(cluster);
    may_go_on = false;
    const auto kept = client.persist(range(4, 2).map([](std::int64_t x) {
        may_go_on.wait(false);
        return x;
    }));
    const auto sum = client.compute(kept.sum());
    CHECK(!sum.done());
    may_go_on = true;
    may_go_on.notify_all();
    CHECK(sum.result() == 6);
    const auto failing = client.persist(range(4, 2).map([](std::int64_t x) {
        if (x == 3) throw std::out_of_range("three");
        return x;
    }));
    CHECK_THROWS_WITH_AS((void)failing.sum().compute(), "three", std::out_of_range);
    CHECK_THROWS_WITH_AS((void)failing.persist(), "three", std::out_of_range);
    CHECK(failing.map([](std::int64_t x) { return x; }).take(1) == std::vector<std::int64_t>{0});
}

TEST_CASE("what is lost with workers is made again: from data that the client still has") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    const auto all = blocks(6);
    const auto kept = from_sequence(all, {.npartitions = 6})
                          .map([](const std::string& s) { return s + "!"; })
                          .persist();
    const auto length = [](const std::string& s) { return s.size(); };
    CHECK(kept.map(length).sum().compute() == 6 * 300'001);
    kill_workers(client);
    CHECK(kept.map(length).sum().compute() == 6 * 300'001);
}

TEST_CASE("scattered data lies on one worker after another, or on all") {
    LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1});
    Client client(cluster);
    std::set<std::string> places;
    std::vector<Future<std::string>> futures;
    for (const auto& block : blocks(6)) {
        futures.push_back(client.scatter(block));
        CHECK(client.nbytes(futures.back()) > 300'000);
        const auto holders = client.who_has(futures.back());
        REQUIRE(holders.size() == 1);
        places.insert(holders.front());
    }
    CHECK(places.size() == 3);
    CHECK(client.gather(futures) == blocks(6));
    const auto length = [](const std::string& s) { return s.size(); };
    CHECK(client.submit(length, futures[3]).result() == 300'000);
    const auto everywhere = client.scatter(blocks(1).front(), {.broadcast = true});
    while (client.who_has(everywhere).size() < 3) std::this_thread::yield();
    CHECK(client.submit(length, everywhere).result() == 300'000);
    CHECK(client.scatter(7).result() == 7);
    futures.clear();
}

TEST_CASE("scattered data that is lost is an error of what needs it") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    Client client(cluster);
    const auto data = client.scatter(blocks(1).front());
    CHECK(data.result().size() == 300'000);
    kill_workers(client);
    const auto size = client.submit([](const std::string& s) { return s.size(); }, data);
    CHECK_THROWS_AS((void)size.result(), DataLost);
    CHECK(client.submit([](int x) { return x; }, 3).result() == 3);
}

TEST_CASE("large arguments and functions go to workers directly") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    const auto all = blocks(5);
    const auto join = [](const std::string& a, const std::string& b, int n) {
        return a.substr(0, 1) + b.substr(0, 1) + std::to_string(n);
    };
    CHECK(client.submit(join, all[0], client.scatter(all[1]), 5).result() == "ab5");
    CHECK(client.gather(client.map(join, all, std::vector<std::string>(5, "x"),
                                   std::vector<int>{1, 2, 3, 4, 5})) ==
          std::vector<std::string>{"ax1", "bx2", "cx3", "dx4", "ex5"});
    auto text = delayed([](const std::string& s) { return s.size(); })(all[2]);
    CHECK(text.compute() == 300'000);
    CHECK(range(4, 4)
              .map([](std::int64_t k, const std::string& s) { return s.size() + std::size_t(k); },
                   all[3])
              .compute() == std::vector<std::size_t>{300'000, 300'001, 300'002, 300'003});
}

TEST_CASE("the data of a sequence is not in the message to the scheduler") {
    const auto session = std::make_shared<client::Session>([] {});
    const auto bag = from_sequence(blocks(4), {.npartitions = 4}).map([](const std::string& s) {
        return s.size();
    });
    auto [graph, outputs] = detail::runnable({bag.node()});
    const auto message = client::make_graph_message(std::move(graph), outputs, *session);
    REQUIRE(message.update.layers.size() == 2);
    const auto& data = message.update.layers.front();
    CHECK(data.data.size() == 4);
    CHECK(std::ranges::all_of(data.data, [](auto n) { return n > 300'000 && n < 301'000; }));
    CHECK(message.update.layers.back().function.size() < 1000);
    CHECK(message.update.layers.back().count == 4);
    CHECK(message.offers.size() == 1);
    CHECK(message.outputs.size() == 4);
}

TEST_CASE("functions have the same token in all processes of the program") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    const auto token = [] {
        return Token::of_place(reinterpret_cast<const void*>(&counted)).text();
    };
    for (int k = 0; k < 4; ++k) CHECK(client.submit(token).result() == token());
    CHECK(token() != Token::of_place(reinterpret_cast<const void*>(&held)).text());
}

TEST_CASE("clients share the results of equal pure calls") {
    LocalCluster cluster(threads);
    Client one(cluster), other(cluster);
    calls = 0;
    const auto a = one.submit({.pure = true}, counted, std::int64_t{5});
    const auto b = other.submit({.pure = true}, counted, std::int64_t{5});
    CHECK(a.key() == b.key());
    CHECK(a.result() + b.result() == 10);
    const auto call = [] { return delayed(counted, {.pure = true})(std::int64_t{6}); };
    const auto c = one.persist(call()), d = other.persist(call());
    CHECK(c.compute(one) + d.compute(other) == 12);
    CHECK(calls == 2);
}
