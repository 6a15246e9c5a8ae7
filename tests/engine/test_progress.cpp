// The progress bar: its text, and what it draws while something computes.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>
#include <satchel/progress.hpp>

#include "stderr_of.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <semaphore>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using satchel::progress_text;
using satchel::ProgressBar;

TEST_CASE("the bar's text is that of Dask") {
    CHECK(progress_text(0) == "[                                        ] | 0% Completed");
    CHECK(progress_text(0.22) == "[########                                ] | 22% Completed");
    CHECK(progress_text(1) == "[########################################] | 100% Completed");
    CHECK(progress_text(7, 4) == "[####] | 100% Completed");
    CHECK(progress_text(std::numeric_limits<double>::quiet_NaN(), 2) == "[  ] | 0% Completed");
}

TEST_CASE("a width that cannot be drawn is refused at the call") {
    CHECK_THROWS_AS(ProgressBar({.width = -1}), satchel::InvalidArgument);
    CHECK_THROWS_AS(ProgressBar({.width = 1'000'000'000'000}), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)progress_text(0.5, -1), satchel::InvalidArgument);
    CHECK(progress_text(0.5, 0) == "[] | 50% Completed");
}

TEST_CASE("each computation ends at 100 % and with a line of its own") {
    const satchel::ThreadPoolExecutor pool(2);
    std::string drawn;
    {
        const ProgressBar bar({.write = [&](std::string_view text) { drawn += text; }});
        (void)satchel::range(1000, 10).map([](std::int64_t x) { return x + 1; }).compute(pool);
        (void)satchel::range(1000, 10).sum().compute(satchel::SynchronousExecutor{});
    }
    std::istringstream lines(drawn);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const auto last = line.substr(line.rfind("\r\033[K") + 4);
        CHECK(last.starts_with(progress_text(1) + " | "));
    }
    CHECK(count == 2);
}

TEST_CASE("where the standard error output is no terminal, nothing is drawn") {
    CHECK(satchel::testing::stderr_of([] {
              const ProgressBar bar;
              (void)satchel::range(1000, 10).sum().compute();
          }).empty());
}

TEST_CASE("what a task computes is part of the task") {
    const satchel::ThreadPoolExecutor pool(2);
    std::string drawn;
    {
        const ProgressBar bar({.write = [&](std::string_view text) { drawn += text; }});
        const auto nested = satchel::range(4, 4).map(
            [](std::int64_t n) { return satchel::range(n, 1).sum().compute(); });
        CHECK(nested.compute(pool) == std::vector<std::int64_t>{0, 0, 1, 3});
    }
    CHECK(std::count(drawn.begin(), drawn.end(), '\n') == 1);
}

TEST_CASE("a run without tasks draws nothing") {
    const satchel::ThreadPoolExecutor pool(2);
    std::string drawn;
    {
        const ProgressBar bar({.write = [&](std::string_view text) { drawn += text; }});
        (void)satchel::compute(pool, std::vector<satchel::Delayed<int>>{});
        satchel::range(20, 4).for_each_partition([](const auto&) {}, {.executor = pool});
    }
    CHECK(drawn.empty());
}

TEST_CASE("a bar whose write throws draws no more") {
    int calls = 0;
    const ProgressBar bar({.write = [&](std::string_view) {
        ++calls;
        throw 1;
    }});
    for (int k = 0; k < 3; ++k) (void)satchel::range(10, 2).compute(satchel::SynchronousExecutor{});
    CHECK(calls == 1);
}

TEST_CASE("a computation that is over before minimum_seconds draws nothing") {
    std::string drawn;
    {
        const ProgressBar bar(
            {.minimum_seconds = 3600, .write = [&](std::string_view text) { drawn += text; }});
        (void)satchel::range(10, 2).compute(satchel::SynchronousExecutor{});
    }
    CHECK(drawn.empty());
}

TEST_CASE("a bar may end before the computation that it draws") {
    std::binary_semaphore begun(0), end(0);
    std::string drawn;
    std::thread other;
    {
        const ProgressBar bar({.write = [&](std::string_view text) { drawn += text; }});
        other = std::thread([&] {
            (void)satchel::range(1, 1)
                .map([&](std::int64_t x) {
                    begun.release();
                    end.acquire();
                    return x;
                })
                .compute();
        });
        begun.acquire();
    }
    CHECK(drawn.ends_with("\n"));
    end.release();
    other.join();
}
