// compute() and persist() of several at once, for who has included bag.hpp and nothing else.
#include <satchel/bag.hpp>

#include "engine/support.hpp"

#include <atomic>
#include <cstdint>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::Delayed;
using satchel::Executor;
using satchel::testing::on_each_executor;

using Numbers = std::vector<std::int64_t>;

TEST_CASE("bags in a vector are computed together") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto base = satchel::range(3, 2).map([&](std::int64_t x) {
            ++calls;
            return x;
        });
        std::vector<Bag<std::int64_t>> bags;
        for (std::int64_t k = 0; k < 3; ++k) {
            bags.push_back(base.map([k](std::int64_t x) { return k * x; }));
        }
        const auto [all, sum] = satchel::compute(executor, bags, base.sum());
        CHECK(all == std::vector<Numbers>{{0, 0, 0}, {0, 1, 2}, {0, 2, 4}});
        CHECK(sum == 3);
        CHECK(calls == 3);

        const auto kept = satchel::persist(executor, bags);
        calls = 0;
        CHECK(satchel::compute(executor, kept) == all);
        CHECK(calls == 0);
    });
}

TEST_CASE("vectors may be empty, and hold vectors") {
    CHECK(satchel::compute(std::vector<Bag<bool>>{}).empty());
    const auto one = satchel::delayed([] { return 1; })();
    const std::vector<std::vector<Delayed<int>>> rows{{one, one}, {}, {one}};
    CHECK(satchel::compute(rows) == std::vector<std::vector<int>>{{1, 1}, {}, {1}});
    const std::vector<Delayed<void>> effects(2, satchel::delayed([] {})());
    CHECK(satchel::compute(effects).size() == 2);
}
