// stream(): order, the window, exceptions, and what passes through it.
#include <satchel/error.hpp>
#include <satchel/stream.hpp>
#include <satchel/this_task.hpp>

#include "engine/support.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using satchel::Executor;
using satchel::stream;
using satchel::SynchronousExecutor;
using satchel::ThreadPoolExecutor;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::on_each_executor;
using satchel::testing::Random;
using satchel::testing::text_of;

namespace {

// 0, 1, … n - 1.
struct Numbers {
    int n;
    int next = 0;
    std::optional<int> operator()() { return next < n ? std::optional(next++) : std::nullopt; }
};
Numbers numbers(int n) { return {n}; }

// The same, and tells when the last one is read.
auto numbers_and_tell(int n, std::atomic<bool>& all_read) {
    return [n, next = numbers(n), &all_read]() mutable {
        const auto item = next();
        if (item == n - 1) {
            all_read = true;
            all_read.notify_all();
        }
        return item;
    };
}

// Takes a time that differs from item to item, so that they are done in another order.
int some_work(int x) {
    Random random(static_cast<std::uint64_t>(x));
    volatile std::uint32_t turns = random(20'000);
    while (turns > 0) turns = turns - 1;
    return x;
}

}  // namespace

TEST_CASE("items are written in the order of reading") {
    on_each_executor([](const Executor& executor) {
        std::vector<int> written;
        stream(
            numbers(500), [](int x) { return some_work(x) * 2; },
            [&](int x) { written.push_back(x); }, {.executor = executor});
        REQUIRE(written.size() == 500);
        for (int k = 0; k < 500; ++k) CHECK(written[static_cast<std::size_t>(k)] == 2 * k);
    });
}

TEST_CASE("no more than the window lies between being read and being written") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t window : {1, 2, 5, 0}) {
            CAPTURE(window);
            const auto most = window == 0 ? 2 * executor.concurrency() + 2 : window;
            auto next = numbers(200);
            std::int64_t under_way = 0;
            std::int64_t most_under_way = 0;
            std::atomic<std::int64_t> working{0};
            std::atomic<bool> too_many{false};
            stream(
                [&] {
                    auto item = next();
                    if (item) most_under_way = std::max(most_under_way, ++under_way);
                    return item;
                },
                [&](int x) {
                    if (++working > most) too_many = true;
                    some_work(x);
                    --working;
                    return x;
                },
                [&](int) { --under_way; }, {.window = window, .executor = executor});
            CHECK(most_under_way <= most);
            CHECK(under_way == 0);
            CHECK_FALSE(too_many);
        }
    });
}

TEST_CASE("the window follows the number of threads that there are") {
    // Threads come and go, as the workers of a cluster do; nothing is done until it is waited for.
    struct Lazy final : Executor {
        struct Waiting final : satchel::Submission {
            std::unique_ptr<satchel::Submission> run;
            [[nodiscard]] bool done() const override { return false; }
            [[nodiscard]] std::vector<satchel::Value> take() override { return run->take(); }
        };
        [[nodiscard]] std::unique_ptr<satchel::Submission> submit(
            satchel::Graph graph, std::vector<satchel::TaskIndex> outputs,
            const satchel::RunOptions& options) const override {
            auto waiting = std::make_unique<Waiting>();
            waiting->run = inner.submit(std::move(graph), std::move(outputs), options);
            return waiting;
        }
        [[nodiscard]] std::int64_t concurrency() const override { return threads; }
        std::int64_t threads = 1;
        SynchronousExecutor inner;
    };
    Lazy executor;
    auto next = numbers(100);
    std::int64_t under_way = 0;
    std::vector<std::int64_t> seen;
    stream(
        [&] {
            auto item = next();
            if (item) ++under_way;
            return item;
        },
        [](int x) { return x; },
        [&](int x) {
            seen.push_back(under_way--);
            if (x == 10) executor.threads = 5;
            if (x == 40) executor.threads = 2;
        },
        {.executor = executor});
    CHECK(seen.at(5) == 4);
    CHECK(seen.at(30) == 12);
    CHECK(seen.at(60) == 6);
}

TEST_CASE("while one item is slow, the others go on up to the window") {
    const ThreadPoolExecutor pool(2);
    constexpr std::int64_t window = 6;
    std::atomic<int> done{0};
    auto next = numbers(20);
    int read = 0;
    stream(
        [&] {
            auto item = next();
            if (item) ++read;
            return item;
        },
        [&](int x) {
            // The first item waits until all others that the window allows are done.
            if (x == 0) {
                for (int seen = done; seen < window - 1; seen = done) done.wait(seen);
            } else {
                ++done;
                done.notify_all();
            }
            return x;
        },
        [&](int x) {
            if (x == 0) CHECK(read == window);
        },
        {.window = window, .executor = pool});
    CHECK(read == 20);
}

TEST_CASE("an empty input calls neither work nor write") {
    on_each_executor([](const Executor& executor) {
        stream([]() -> std::optional<int> { return std::nullopt; },
               [](int x) {
                   FAIL("no item was read");
                   return x;
               },
               [](int) { FAIL("no item was read"); }, {.executor = executor});
    });
}

TEST_CASE("read is not called again after the end") {
    int reads = 0;
    stream(
        [&]() -> std::optional<int> { return ++reads <= 3 ? std::optional(reads) : std::nullopt; },
        [](int x) { return x; }, [](int) {}, {.executor = ThreadPoolExecutor(2)});
    CHECK(reads == 4);
}

TEST_CASE("read and write are called in the calling thread, work in the pool's") {
    const auto caller = std::this_thread::get_id();
    bool others = false;
    auto next = numbers(20);
    stream(
        [&] {
            others |= std::this_thread::get_id() != caller;
            return next();
        },
        [&](int) { return std::this_thread::get_id() == caller; },
        [&](bool in_caller) {
            others |= std::this_thread::get_id() != caller;
            others |= in_caller;
        },
        {.executor = ThreadPoolExecutor(2)});
    CHECK_FALSE(others);
}

TEST_CASE("a negative window is refused before anything is read") {
    const auto text = text_of<satchel::InvalidArgument>([] {
        stream(
            []() -> std::optional<int> {
                FAIL("nothing may be read");
                return std::nullopt;
            },
            [](int x) { return x; }, [](int) {}, {.window = -1});
    });
    CHECK(text.find("-1") != std::string::npos);
}

TEST_CASE("an exception in reading, working or writing ends the stream") {
    on_each_executor([](const Executor& executor) {
        std::vector<int> written;
        std::atomic<int> working{0};
        auto next = numbers(1'000);
        const auto run = [&](int bad_read, int bad_work, int bad_write) {
            written.clear();
            stream(
                [&] {
                    const auto item = next();
                    if (item == bad_read) throw std::runtime_error("read");
                    return item;
                },
                [&](int x) {
                    ++working;
                    some_work(x);
                    --working;
                    if (x == bad_work) throw std::runtime_error("work");
                    return x;
                },
                [&](int x) {
                    if (x == bad_write) throw std::runtime_error("write");
                    written.push_back(x);
                },
                {.executor = executor});
        };
        const auto check_prefix = [&](int end) {
            CHECK(written.size() <= static_cast<std::size_t>(end));
            for (std::size_t k = 0; k < written.size(); ++k) {
                CHECK(written[k] == static_cast<int>(k));
            }
            CHECK(working == 0);  // what had begun was waited for
        };
        CHECK(text_of<std::runtime_error>([&] { run(50, -1, -1); }) == "read");
        check_prefix(50);
        next = numbers(1'000);
        CHECK(text_of<std::runtime_error>([&] { run(-1, 50, -1); }) == "work");
        check_prefix(50);
        CHECK(written.size() == 50);
        next = numbers(1'000);
        CHECK(text_of<std::runtime_error>([&] { run(-1, -1, 50); }) == "write");
        check_prefix(50);
        CHECK(written.size() == 50);
    });
}

TEST_CASE("the first exception in the order of reading is the one that is thrown") {
    on_each_executor([](const Executor& executor) {
        const auto text = text_of<std::runtime_error>([&] {
            stream(
                numbers(20),
                [](int x) -> int { throw std::runtime_error("item " + std::to_string(x)); },
                [](int) {}, {.executor = executor});
        });
        CHECK(text == "item 0");
    });
}

TEST_CASE("work that throws no std::exception ends in TaskError") {
    on_each_executor([](const Executor& executor) {
        CHECK_THROWS_AS(
            stream(
                numbers(3), [](int) -> int { throw 1; }, [](int) {}, {.executor = executor}),
            satchel::TaskError);
    });
}

TEST_CASE("items may be move-only at both ends, and are not copied") {
    on_each_executor([](const Executor& executor) {
        int next = 0;
        int sum = 0;
        stream(
            [&]() -> std::optional<std::unique_ptr<int>> {
                if (next == 50) return std::nullopt;
                return std::make_unique<int>(next++);
            },
            [](std::unique_ptr<int> x) {
                ++*x;
                return x;
            },
            [&](std::unique_ptr<int> x) { sum += *x; }, {.executor = executor});
        CHECK(sum == 50 * 51 / 2);

        Census census;
        auto count = numbers(50);
        stream(
            [&]() -> std::optional<Counted> {
                const auto number = count();
                if (!number) return std::nullopt;
                return Counted(census, *number);
            },
            [](Counted x) { return x; }, [](Counted x) { CHECK(x.number >= 0); },
            {.window = 4, .executor = executor});
        CHECK(census.copies.load() == 0);
        CHECK(census.alive.load() == 0);
        CHECK(census.peak.load() <= 6);  // the window, the one being written, the one being read
    });
}

TEST_CASE("work may be shared, may hold state, and may ask for a stop token") {
    on_each_executor([](const Executor& executor) {
        std::vector<int> written;
        const auto write = [&](int x) { written.push_back(x); };
        stream(numbers(3), [owner = std::make_unique<int>(10)](int x) { return *owner + x; }, write,
               {.executor = executor});
        CHECK(written == std::vector{10, 11, 12});

        written.clear();
        stream(numbers(3), [calls = 0](int x) mutable { return x + ++calls; }, write,
               {.executor = executor});
        CHECK(written == std::vector{1, 2, 3});  // each item has a copy of its own

        written.clear();
        stream(numbers(3),
               [](int x, std::stop_token token) { return token.stop_requested() ? -1 : x; }, write,
               {.executor = executor});
        CHECK(written == std::vector{0, 1, 2});
    });
}

TEST_CASE("when the stream fails, work that runs is told to stop") {
    const ThreadPoolExecutor pool(2);
    std::atomic<bool> second_runs{false};
    CHECK_THROWS_AS(stream(
                        numbers(10),
                        [&](int x, std::stop_token token) {
                            if (x == 0) {
                                second_runs.wait(false);
                                throw std::runtime_error("first");
                            }
                            second_runs = true;
                            second_runs.notify_all();
                            while (!token.stop_requested()) {
                            }
                            return x;
                        },
                        [](int) {}, {.executor = pool}),
                    std::runtime_error);
}

TEST_CASE("when the stream fails, items that have not begun are dropped") {
    const ThreadPoolExecutor pool(1);
    constexpr int window = 20;
    std::atomic<bool> all_read{false};
    std::atomic<int> begun{0};
    const auto fail = [&] {
        stream(
            numbers_and_tell(window, all_read),
            [&](int x) {
                if (x == 0) all_read.wait(false);
                ++begun;
                begun.notify_all();
                while (x != 0 && !satchel::this_task::stop_requested()) {
                }
                return x;
            },
            [&](int) {
                begun.wait(1);
                throw std::runtime_error("write");
            },
            {.window = window, .executor = pool});
    };
    CHECK(text_of<std::runtime_error>(fail) == "write");
    CHECK(begun == 2);
}

TEST_CASE("items begin in the order of reading") {
    const ThreadPoolExecutor pool(1);
    constexpr int window = 20;
    std::atomic<bool> all_read{false};
    std::vector<int> order;
    stream(
        numbers_and_tell(window, all_read),
        [&](int x) {
            if (x == 0) all_read.wait(false);
            order.push_back(x);
            return x;
        },
        [](int) {}, {.window = window, .executor = pool});
    for (int k = 0; k < window; ++k) CHECK(order.at(static_cast<std::size_t>(k)) == k);
}

TEST_CASE("another run gets its turn while a stream is under way") {
    const ThreadPoolExecutor pool(1);
    std::atomic<bool> begun{false};
    std::atomic<bool> other_done{false};
    const std::jthread other([&] {
        begun.wait(false);
        satchel::Graph graph;
        auto last =
            graph.add(satchel::Function([](satchel::Arguments&) { return satchel::Value(); }));
        for (int k = 0; k < 5; ++k) {
            last = graph.add(
                satchel::Function([](satchel::Arguments&) { return satchel::Value(); }), {last});
        }
        (void)pool.run(std::move(graph), {last});
        other_done = true;
    });
    stream([&] { return other_done ? std::nullopt : std::optional(1); },
           [&](int x) {
               begun = true;
               begun.notify_all();
               return some_work(x);
           },
           [](int) {}, {.window = 50, .executor = pool});
}

TEST_CASE("a stream inside a task ends when the run of the task is stopped") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        std::atomic<bool> begun{false};
        satchel::Graph graph;
        (void)graph.add(satchel::Function([&](satchel::Arguments&) {
            stream([] { return std::optional(1); },
                   [&](int x) {
                       begun = true;
                       begun.notify_all();
                       return x;
                   },
                   [](int) {});
            return satchel::Value();
        }));
        const std::jthread stopper([&] {
            begun.wait(false);
            source.request_stop();
        });
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {}, {source.get_token()}),
                        satchel::Cancelled);
    });
}

TEST_CASE("a stream inside a task, also on a pool of one thread") {
    on_each_executor([](const Executor& executor) {
        std::vector<std::vector<int>> written;
        stream(
            numbers(10),
            [](int n) {
                std::vector<int> inner;
                stream(
                    numbers(n), [](int x) { return x * x; }, [&](int x) { inner.push_back(x); });
                return inner;
            },
            [&](std::vector<int> inner) { written.push_back(std::move(inner)); },
            {.executor = executor});
        REQUIRE(written.size() == 10);
        CHECK(written[4] == std::vector{0, 1, 4, 9});
        CHECK(written[9].size() == 9);
    });
}

TEST_CASE("several streams at once on one pool") {
    const ThreadPoolExecutor pool(2);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 4; ++k) {
        threads.emplace_back([&] {
            int expected = 0;
            stream(numbers(300), some_work, [&](int x) { wrong += x == expected++ ? 0 : 1; },
                   {.window = 3, .executor = pool});
            if (expected != 300) ++wrong;
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
}
