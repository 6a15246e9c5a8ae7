// The event loop: order, results, timers, files, and its end.
#include <satchel/error.hpp>

#include "net/event_loop.hpp"
#include "net/support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

using namespace satchel::net;
using namespace std::chrono_literals;
using satchel_tests::Mailbox;

TEST_CASE("work is done in its order, in one thread") {
    EventLoop loop;
    std::vector<int> done;
    for (int i = 0; i < 1000; ++i) loop.post([&, i] { done.push_back(i); });
    const auto is_there = loop.call([&] { return loop.is_this_thread(); });
    CHECK(is_there);
    CHECK_FALSE(loop.is_this_thread());
    CHECK(std::ranges::is_sorted(done));
    CHECK(done.size() == 1000);
}

TEST_CASE("a call gives its result, or its exception") {
    EventLoop loop;
    CHECK(loop.call([] { return std::string("abc"); }) == "abc");
    CHECK(*loop.call([] { return std::make_unique<int>(3); }) == 3);
    CHECK_THROWS_WITH_AS(loop.call([]() -> int { throw satchel::KeyError("no key"); }), "no key",
                         satchel::KeyError);
    // Inside of the loop, it does not wait for itself.
    CHECK(loop.call([&] { return loop.call([] { return 5; }); }) == 5);
}

TEST_CASE("posts from several threads all arrive") {
    EventLoop loop;
    int sum = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 1000; ++i) loop.post([&] { ++sum; });
            });
        }
    }
    CHECK(loop.call([&] { return sum; }) == 4000);
}

TEST_CASE("what was posted before the end is done, and nothing after it") {
    EventLoop loop;
    int count = 0;
    for (int i = 0; i < 100; ++i) loop.post([&] { ++count; });
    loop.stop();
    CHECK(count == 100);
    loop.post([&] { ++count; });
    CHECK(count == 100);
    CHECK(loop.call([&] { return ++count; }) == 101);
    loop.stop();
}

TEST_CASE("timers call back in the order of their times") {
    EventLoop loop;
    Mailbox<int> calls;
    Timer late(loop);
    Timer early(loop);
    Timer never(loop);
    loop.call([&] {
        late.start(20ms, [&] { calls.put(2); });
        early.start(1ms, [&] { calls.put(1); });
        never.start(1ms, [&] { calls.put(99); });
        never.cancel();
    });
    CHECK(calls.take() == 1);
    CHECK(calls.take() == 2);
    CHECK(calls.is_empty());
}

TEST_CASE("a timer may be started again, also by itself") {
    EventLoop loop;
    Mailbox<int> calls;
    Timer timer(loop);
    int count = 0;
    const std::function<void()> tick = [&] {
        calls.put(++count);
        if (count < 3) timer.start(0ms, tick);
    };
    loop.call([&] {
        timer.start(0ms, [&] { calls.put(99); });
        timer.start(0ms, tick);
    });
    CHECK(calls.take() == 1);
    CHECK(calls.take() == 2);
    CHECK(calls.take() == 3);
}

TEST_CASE("a destroyed timer or watch does not call back") {
    EventLoop loop;
    std::atomic<int> calls = 0;
    satchel::detail::FileDescriptor file(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    for (int i = 0; i < 100; ++i) {
        Timer timer(loop);
        loop.call([&] { timer.start(0ms, [&] { ++calls; }); });
        const Watch watch(loop, file.get(), [&] { ++calls; });
    }
    const int before = calls;
    loop.call([] {});
    CHECK(calls == before);
}

TEST_CASE("a watch tells when a file can be read") {
    EventLoop loop;
    Mailbox<std::uint64_t> seen;
    satchel::detail::FileDescriptor file(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const Watch watch(loop, file.get(), [&] {
        std::uint64_t count = 0;
        if (::read(file.get(), &count, sizeof count) == sizeof count) seen.put(count);
    });
    for (const std::uint64_t n : {3U, 4U}) {
        REQUIRE(::write(file.get(), &n, sizeof n) == sizeof n);
        CHECK(seen.take() == n);
    }
}

TEST_CASE("an idle loop uses no processor time") {
    EventLoop loop;
    clockid_t clock{};
    const auto thread = loop.call([] { return pthread_self(); });
    REQUIRE(pthread_getcpuclockid(thread, &clock) == 0);
    const auto used = [&] {
        timespec time{};
        clock_gettime(clock, &time);
        return time.tv_sec * 1'000'000'000L + time.tv_nsec;
    };
    const auto before = used();
    Mailbox<int> over;
    Timer timer(loop);
    loop.call([&] { timer.start(300ms, [&] { over.put(1); }); });
    over.take();
    // A loop that polls would have used most of it.
    CHECK(used() - before < 100'000'000L);
}

TEST_CASE("signals are left to the program's own threads") {
    EventLoop loop;
    const bool is_blocked = loop.call([] {
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        return sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGTERM) == 1 &&
               sigismember(&blocked, SIGSEGV) == 0;
    });
    CHECK(is_blocked);
}
