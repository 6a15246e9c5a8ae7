// Bags from bags: zip and concat, whatever their batches look like, from_delayed, repartition.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::concat;
using satchel::Delayed;
using satchel::delayed;
using satchel::Executor;
using satchel::from_delayed;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::zip;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

using Numbers = std::vector<std::int64_t>;
using Sizes = std::vector<std::size_t>;
using Pair = std::tuple<std::int64_t, std::int64_t>;

namespace {

const SynchronousExecutor synchronous;

std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }
std::int64_t twice(std::int64_t x) { return 2 * x; }

template <class T>
Sizes sizes(const Bag<T>& bag) {
    return bag.map_partitions([](std::span<const T> p) { return p.size(); }).compute(synchronous);
}

// 0 … n - 1, each from a list of its own, with empty lists between them.
Bag<std::int64_t> through_lists(std::int64_t n, std::int64_t npartitions) {
    return range(2 * n, npartitions)
        .map([](std::int64_t k) { return k % 2 == 0 ? Numbers{k / 2} : Numbers{}; })
        .flatten();
}

}  // namespace

TEST_CASE("an argument that is the same for all is made once, and not copied") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        Census census;
        const auto shared = delayed([&] {
            ++calls;
            return Counted(census, 7);
        })();
        const auto bag = range(1'000, 8).map(
            [](std::int64_t x, const Counted& c) { return x + c.number; }, shared);
        CHECK(bag.sum().compute(executor) == 499'500 + 7'000);
        CHECK(calls.load() == 1);
        CHECK(census.copies.load() == 0);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("zip and map of bags whose batches are cut differently") {
    on_each_executor([](const Executor& executor) {
        // Filtered, flattened and zipped bags give other batches than plain ones.
        for (const std::int64_t n : {1, 5, 1'024, 3'000}) {
            CAPTURE(n);
            const auto plain = range(n, 1);
            const auto filtered = range(2 * n, 1)
                                      .filter([](std::int64_t x) { return x % 2 == 0; })
                                      .map([](std::int64_t x) { return x / 2; });
            const auto flat = through_lists(n, 1);
            const auto large = plain.map([](std::int64_t x) {
                return std::string(static_cast<std::size_t>(x % 100 == 0 ? 300'000 : 1), 'x');
            });
            const auto check = [&](const auto& zipped) {
                const auto result = zipped.compute(executor);
                REQUIRE(result.size() == static_cast<std::size_t>(n));
                for (std::int64_t k = 0; k < n; ++k) {
                    const auto& one = result[static_cast<std::size_t>(k)];
                    REQUIRE(std::get<0>(one) == k);
                    REQUIRE(std::get<1>(one) == k);
                }
            };
            check(zip(plain, flat));
            check(zip(flat, plain));
            check(zip(flat, filtered));
            check(zip(flat, flat));
            check(zip(plain, filtered, large));
            check(zip(plain, plain.map(add, flat).map([](std::int64_t x) { return x / 2; })));
            check(zip(zip(plain, plain).map([](const Pair& p) { return std::get<0>(p); }),
                      zip(flat, plain).map([](const Pair& p) { return std::get<1>(p); })));
        }
    });
}

TEST_CASE("concat puts partitions after one another") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto a = range(3, 2);
        const auto b = range(4, 3).map([&](std::int64_t x) {
            ++calls;
            return 10 * x;
        });
        const auto all = concat(a, b, a);
        CHECK(all.npartitions() == 7);
        CHECK(all.compute(executor) == Numbers{0, 1, 2, 0, 10, 20, 30, 0, 1, 2});
        CHECK(calls.load() == 4);
        CHECK(all.map(twice).sum().compute(executor) == 132);
        CHECK(all.take(5, {.npartitions = -1}, executor) == Numbers{0, 1, 2, 0, 10});
        CHECK(concat(b, b).compute(executor) == Numbers{0, 10, 20, 30, 0, 10, 20, 30});
        CHECK(concat(std::vector<Bag<std::int64_t>>{}).compute(executor).empty());
        CHECK(concat(std::vector{a}).compute(executor) == Numbers{0, 1, 2});
        const auto same = [](std::int64_t x) { return x; };
        CHECK(concat(std::vector{a.map(same), range(4, 3).map(same)}).compute(executor) ==
              Numbers{0, 1, 2, 0, 1, 2, 3});
        CHECK(concat(concat(a, b), concat(b, a)).count().compute(executor) == 14);
        calls = 0;
        CHECK(satchel::compute(executor, concat(a, b), b) ==
              std::tuple(Numbers{0, 1, 2, 0, 10, 20, 30}, Numbers{0, 10, 20, 30}));
        CHECK(calls.load() == 4);
        Numbers written;
        all.for_each_partition(
            [&](const Numbers& p) { written.insert(written.end(), p.begin(), p.end()); },
            {.executor = executor});
        CHECK(written == all.compute(executor));
    });
}

TEST_CASE("concat of many bags, and chains of concats") {
    std::vector<Bag<std::int64_t>> bags;
    for (std::int64_t k = 0; k < 1'000; ++k) bags.push_back(range(k % 3, 2));
    CHECK(concat(bags).npartitions() == 2'000);
    CHECK(concat(bags).count().compute(synchronous) == 999);
    auto chain = range(1, 1);
    for (int k = 0; k < 300; ++k) chain = concat(chain, range(1, 1));
    CHECK(chain.sum().compute(synchronous) == 0);
    CHECK(chain.count().compute(synchronous) == 301);
}

TEST_CASE("from_delayed and to_delayed are inverses") {
    on_each_executor([](const Executor& executor) {
        std::vector<Delayed<Numbers>> parts;
        for (std::int64_t k = 0; k < 4; ++k) {
            parts.push_back(delayed([k] { return Numbers(static_cast<std::size_t>(k), k); })());
        }
        const auto bag = from_delayed(parts);
        CHECK(bag.npartitions() == 4);
        CHECK(bag.compute(executor) == Numbers{1, 2, 2, 3, 3, 3});
        CHECK(bag.map(twice).sum().compute(executor) == 28);
        CHECK(from_delayed(bag.to_delayed()).compute(executor) == bag.compute(executor));
        CHECK(from_delayed(std::vector<Delayed<Numbers>>{}).compute(executor).empty());
        const std::vector<Delayed<std::vector<bool>>> truths(
            3, delayed([] {
                return std::vector<bool>{true, false};
            })());
        CHECK(from_delayed(truths).compute(executor) ==
              std::vector<bool>{true, false, true, false, true, false});
    });
}

TEST_CASE("repartition by number: sizes differ by at most one, order kept") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t from : {1, 2, 7, 30}) {
            for (const std::int64_t to : {1, 2, 3, 7, 30, 101}) {
                CAPTURE(from);
                CAPTURE(to);
                const auto bag = range(100, from)
                                     .filter([](std::int64_t x) { return x % 10 != 3; })
                                     .repartition({.npartitions = to});
                CHECK(bag.npartitions() == to);
                const auto parts = sizes(bag);
                const auto [least, most] = std::ranges::minmax(parts);
                CHECK(most - least <= 1);
                CHECK(bag.compute(executor) ==
                      range(100, 1)
                          .filter([](std::int64_t x) { return x % 10 != 3; })
                          .compute(executor));
            }
        }
        CHECK(sizes(range(0, 3).repartition({.npartitions = 2})) == Sizes{0, 0});
        CHECK(
            from_sequence({true, false, true}).repartition({.npartitions = 2}).compute(executor) ==
            std::vector<bool>{true, false, true});
    });
}

TEST_CASE("repartition by size: no partition is larger, but for a larger element") {
    const auto by_size = [](const auto& bag, std::int64_t size) {
        return bag.repartition({.partition_size = size});
    };
    CHECK(sizes(by_size(range(10, 3), 32)) == Sizes{4, 4, 2});
    CHECK(sizes(by_size(range(3, 3), 1)) == Sizes{1, 1, 1});
    CHECK(sizes(by_size(range(3, 3), INT64_MAX)) == Sizes{3});
    CHECK(sizes(by_size(range(0, 3), 8)) == Sizes{0});
    const auto texts = from_sequence({std::string(100, 'a'), std::string(10'000, 'b'),
                                      std::string(100, 'c'), std::string(100, 'd')});
    CHECK(sizes(by_size(texts, 1'000)) == Sizes{1, 1, 2});
    CHECK(by_size(texts, 1'000).compute(synchronous) == texts.compute(synchronous));
}

TEST_CASE("elements of which nobody knows the size can be repartitioned by number only") {
    struct Person {
        std::string name;
    };
    const auto people = range(10, 3).map([](std::int64_t x) { return Person{std::to_string(x)}; });
    CHECK(people.repartition({.npartitions = 2}).compute(synchronous)[9].name == "9");
    const auto text =
        text_of<InvalidArgument>([&] { (void)people.repartition({.partition_size = 1'000}); });
    CHECK(text.find("partition_size") != std::string::npos);
}

TEST_CASE("repartition refuses what cannot be") {
    const auto bag = range(10, 2);
    CHECK_THROWS_AS((void)bag.repartition({}), InvalidArgument);
    CHECK_THROWS_AS((void)bag.repartition({.npartitions = 2, .partition_size = 2}),
                    InvalidArgument);
    for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}}) {
        CHECK(text_of<InvalidArgument>([&] {
                  (void)bag.repartition({.npartitions = wrong});
              }).starts_with("repartition: "));
        CHECK(text_of<InvalidArgument>([&] {
                  (void)bag.repartition({.partition_size = wrong});
              }).starts_with("repartition: "));
    }
    CHECK_THROWS_AS((void)bag.repartition({.npartitions = std::int64_t{1} << 31}), InvalidArgument);
}

TEST_CASE("move-only elements in zip and concat") {
    using Owner = std::unique_ptr<std::int64_t>;
    const auto owners = [](std::int64_t n) {
        return range(n, 2).map([](std::int64_t x) { return std::make_unique<std::int64_t>(x); });
    };
    on_each_executor([&](const Executor& executor) {
        const auto sum = [](const Owner& a, std::int64_t b) { return *a + b; };
        CHECK(owners(10).map(sum, range(10, 2)).compute(executor)[9] == 18);
        CHECK(range(10, 2)
                  .map([](std::int64_t a, Owner b) { return a + *b; }, owners(10))
                  .compute(executor)[9] == 18);
        CHECK(*std::get<0>(zip(owners(10), range(10, 2)).compute(executor)[9]) == 9);
        CHECK(*concat(owners(3), owners(3)).compute(executor)[5] == 2);
        CHECK(concat(owners(3), owners(3))
                  .map([](const Owner& x) { return *x; })
                  .sum()
                  .compute(executor) == 6);
    });
}

TEST_CASE("a bag to which others are appended one by one has a task a partition") {
    auto all = range(1, 1);
    for (int k = 1; k < 2'000; ++k) all = concat(all, range(1, 1));
    CHECK(satchel::detail::lower({all.node()}).graph.size() == 2'000);
    CHECK(all.count().compute(synchronous) == 2'000);
    // What each needs tasks of its own for comes between them.
    auto grown = range(1, 1).distinct();
    for (int k = 1; k < 100; ++k) grown = concat(grown, range(k, 1).distinct());
    CHECK(satchel::detail::lower({grown.node()}).graph.size() <= 300);
    CHECK(grown.count().compute(synchronous) == 1 + 99 * 100 / 2);
    // Also where somebody else uses one of those before.
    auto numbers = range(3, 2);
    const auto first = numbers;
    for (int k = 1; k < 20; ++k) numbers = concat(numbers, first.map(twice));
    const auto before = numbers;
    for (int k = 1; k < 20; ++k) numbers = concat(numbers, range(2, 1), before);
    on_each_executor([&](const Executor& executor) {
        const auto [some, more] = satchel::compute(executor, before, numbers);
        REQUIRE(some.size() == 60);
        REQUIRE(more.size() == 60 + 19 * 62);
        CHECK(std::equal(some.begin(), some.end(), more.begin()));
        CHECK(std::equal(some.begin(), some.end(), more.end() - 60));
        CHECK(more[60] == 0);
        CHECK(more[61] == 1);
    });
}

TEST_CASE("zip moves what cannot be copied and copies the rest") {
    const auto make = [](std::int64_t x) { return std::make_unique<std::int64_t>(x); };
    const auto sum = [](const std::tuple<int, std::unique_ptr<std::int64_t>>& pair) {
        return std::get<0>(pair) + *std::get<1>(pair);
    };
    const auto numbers = from_sequence({1, 2, 3}, {.npartitions = 3});
    on_each_executor([&](const Executor& executor) {
        CHECK(zip(numbers, range(3, 3).map(make)).map(sum).compute(executor) == Numbers{1, 3, 5});
        CHECK(zip(numbers.persist(executor), range(3, 3).map(make)).map(sum).compute(executor) ==
              Numbers{1, 3, 5});
    });
    const auto kept = range(3, 3).map(make).persist(synchronous);
    CHECK_THROWS_AS((void)zip(numbers, kept).compute(synchronous), InvalidArgument);
}

TEST_CASE("move-only elements of a concat that others use too are refused before anything runs") {
    std::atomic<int> calls{0};
    const auto make = [&](std::int64_t x) {
        ++calls;
        return std::make_unique<std::int64_t>(x);
    };
    const auto take = [](std::unique_ptr<std::int64_t> p) { return *p; };
    const auto look = [](const std::unique_ptr<std::int64_t>& p) { return *p; };
    const auto made = range(4, 2).map(make);
    CHECK(text_of<InvalidArgument>([&] {
              (void)concat(made, made).map(take).compute(synchronous);
          }).starts_with("map: its elements are of a move-only type"));
    CHECK_THROWS_AS((void)satchel::compute(
                        synchronous, concat(made, range(2, 1).map(make)).map(take), made.map(look)),
                    InvalidArgument);
    CHECK(calls.load() == 0);
    CHECK(concat(made, made).map(look).compute(synchronous) == Numbers{0, 1, 2, 3, 0, 1, 2, 3});
    CHECK(concat(range(2, 1).map(make), range(2, 2).map(make)).map(take).compute(synchronous) ==
          Numbers{0, 1, 0, 1});
}

TEST_CASE("for_each_partition moves what is stored for it alone") {
    const auto owners = [](std::int64_t n) {
        return range(n, 2).map([](std::int64_t x) { return std::make_unique<std::int64_t>(x); });
    };
    Numbers seen;
    concat(owners(3), owners(2))
        .map([](std::unique_ptr<std::int64_t> p) { return p; })
        .for_each_partition([&](const std::vector<std::unique_ptr<std::int64_t>>& partition) {
            for (const auto& p : partition) seen.push_back(*p);
        });
    CHECK(seen == Numbers{0, 1, 2, 0, 1});
}

TEST_CASE("names of operations with arguments") {
    const auto bag = from_sequence(std::vector<std::map<std::string, int>>{{{"a", 1}}});
    CHECK(bag.pluck("a").name() == bag.pluck("a").name());
    CHECK(bag.pluck("a").name() != bag.pluck("b").name());
    CHECK(bag.pluck("a", 1).name() == bag.pluck("a", 1).name());
    CHECK(bag.pluck("a", 1).name() != bag.pluck("a", 2).name());
    const auto numbers = range(10, 2);
    CHECK(numbers.map(add, 1).name() == numbers.map(add, 1).name());
    CHECK(numbers.map(add, 1).name() != numbers.map(add, 2).name());
    CHECK(numbers.map(add, numbers).name() == numbers.map(add, numbers).name());
    CHECK(numbers.map(add, numbers).name() != numbers.map(add, numbers.map(twice)).name());
    CHECK(numbers.accumulate(add).name() == numbers.accumulate(add).name());
    CHECK(numbers.accumulate(add, 1).name() != numbers.accumulate(add, 2).name());
    CHECK(numbers.repartition({.npartitions = 3}).name() ==
          numbers.repartition({.npartitions = 3}).name());
    CHECK(numbers.repartition({.npartitions = 3}).name() !=
          numbers.repartition({.npartitions = 4}).name());
    CHECK(concat(numbers, numbers).name() == concat(numbers, numbers).name());
    CHECK(zip(numbers, numbers).name() == zip(numbers, numbers).name());
    CHECK(numbers.remove([](std::int64_t) { return true; }).name().starts_with("remove-"));
    CHECK(zip(numbers, numbers).starmap(add).name().starts_with("starmap-"));
}
