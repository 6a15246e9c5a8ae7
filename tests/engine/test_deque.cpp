// The deque of ready tasks: its two ends, its growth, and its owner against many thieves.
#include "local/deque.hpp"

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using satchel::detail::Deque;

namespace {

// What several threads took, counted: each element must have been taken once.
void check_each_once(const std::vector<std::vector<std::uint32_t>>& taken, std::uint32_t size) {
    std::vector<int> times(size, 0);
    for (const auto& one : taken) {
        for (const auto element : one) ++times[element];
    }
    std::uint32_t wrong = 0;
    for (const auto count : times) wrong += count == 1 ? 0 : 1;
    CHECK(wrong == 0);
}

// The owner pushes `size` numbers in runs of `run`, and pops `pops` of each run, while `thieves`
// steal.
void race(std::uint32_t size, std::uint32_t run, std::uint32_t pops, std::uint32_t thieves) {
    Deque deque;
    std::atomic<bool> pushed_all{false};
    std::vector<std::vector<std::uint32_t>> taken(thieves + 1);
    std::vector<std::thread> threads;
    for (std::uint32_t k = 1; k <= thieves; ++k) {
        threads.emplace_back([&, k] {
            while (!pushed_all || deque.size() > 0) {
                if (const auto task = deque.steal()) taken[k].push_back(*task);
            }
        });
    }
    for (std::uint32_t next = 0; next < size;) {
        for (std::uint32_t k = 0; k < run && next < size; ++k) deque.push(next++);
        for (std::uint32_t k = 0; k < pops; ++k) {
            if (const auto task = deque.pop()) taken[0].push_back(*task);
        }
    }
    while (const auto task = deque.pop()) taken[0].push_back(*task);
    pushed_all = true;
    for (auto& thread : threads) thread.join();
    check_each_once(taken, size);
}

}  // namespace

TEST_CASE("a new deque is empty at both ends, and stays so when asked again") {
    Deque deque;
    for (int k = 0; k < 3; ++k) {
        CHECK(deque.pop() == std::nullopt);
        CHECK(deque.steal() == std::nullopt);
    }
    CHECK(deque.size() == 0);
}

TEST_CASE("the owner gets the newest, a thief the oldest") {
    Deque deque;
    for (std::uint32_t task = 0; task < 4; ++task) deque.push(task);
    CHECK(deque.size() == 4);
    CHECK(deque.pop() == 3U);
    CHECK(deque.steal() == 0U);
    CHECK(deque.pop() == 2U);
    CHECK(deque.steal() == 1U);
    CHECK(deque.pop() == std::nullopt);
    CHECK(deque.steal() == std::nullopt);
}

TEST_CASE("a deque grows, and keeps its order when its window has moved") {
    Deque deque;
    for (std::uint32_t task = 0; task < 50; ++task) deque.push(task);
    for (std::uint32_t task = 0; task < 40; ++task) CHECK(deque.steal() == task);
    for (std::uint32_t task = 50; task < 10'000; ++task) deque.push(task);
    CHECK(deque.size() == 9'960);
    for (std::uint32_t task = 9'999; task >= 5'000; --task) REQUIRE(deque.pop() == task);
    for (std::uint32_t task = 40; task < 5'000; ++task) REQUIRE(deque.steal() == task);
    CHECK(deque.pop() == std::nullopt);
}

TEST_CASE("every number passes through, the largest included") {
    Deque deque;
    deque.push(0);
    deque.push(UINT32_MAX);
    CHECK(deque.steal() == 0U);
    CHECK(deque.pop() == UINT32_MAX);
}

TEST_CASE("owner and thieves get each element exactly once") {
    SUBCASE("one element at a time: the race for the last one") { race(200'000, 1, 1, 1); }
    SUBCASE("one element at a time, many thieves") { race(200'000, 1, 1, 3); }
    SUBCASE("runs, of which half are popped") { race(300'000, 64, 32, 3); }
    SUBCASE("thieves take all") { race(200'000, 100, 0, 3); }
    SUBCASE("growth under way") { race(300'000, 50'000, 10, 3); }
}
