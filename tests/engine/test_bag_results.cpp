// Getting results out of bags: compute, persist, take, partitions, names, and what is shared.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>
#include <satchel/executor.hpp>

#include "engine/support.hpp"
#include "stderr_of.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using satchel::Bag;
using satchel::compute;
using satchel::Executor;
using satchel::from_sequence;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::ThreadPoolExecutor;
using satchel::testing::on_each_executor;
using satchel::testing::stderr_of;
using satchel::testing::text_of;

using Numbers = std::vector<std::int64_t>;

namespace {

const SynchronousExecutor synchronous;

std::int64_t twice(std::int64_t x) { return 2 * x; }
bool is_odd(std::int64_t x) { return x % 2 != 0; }
std::size_t twice_size(const std::vector<int>& x) { return 2 * x.size(); }

}  // namespace

TEST_CASE("compute gives a vector, several values a tuple") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(5, 2);
        CHECK(bag.compute(executor) == Numbers{0, 1, 2, 3, 4});
        CHECK(compute(executor, bag) == Numbers{0, 1, 2, 3, 4});
        CHECK(
            compute(executor, bag.map(twice), bag.sum(), bag.count(), bag.filter(is_odd)) ==
            std::tuple(Numbers{0, 2, 4, 6, 8}, std::int64_t{10}, std::uint64_t{5}, Numbers{1, 3}));
        CHECK(compute(executor, bag, bag) == std::tuple(bag.compute(), bag.compute()));
    });
    CHECK(range(3, 1).compute() == Numbers{0, 1, 2});
    CHECK(compute(range(3, 1), range(3, 1).sum()) == std::tuple(Numbers{0, 1, 2}, 3));
    CHECK(range(3, 1).compute(satchel::RunOptions{}) == Numbers{0, 1, 2});
}

TEST_CASE("work that results share is done once in one computation") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto shared = range(1'000, 4).map([&](std::int64_t x) {
            ++calls;
            return x;
        });
        const auto copy = shared;
        const auto [sum, count, odd, all] =
            compute(executor, shared.map(twice).sum(), copy.count(), shared.filter(is_odd), shared);
        CHECK(calls.load() == 1'000);
        CHECK(sum == 999'000);
        CHECK(count == 1'000);
        CHECK(odd.size() == 500);
        CHECK(all.size() == 1'000);
        CHECK(satchel::delayed([](std::int64_t a, std::uint64_t b) {
                  return a + static_cast<std::int64_t>(b);
              })(shared.sum(), shared.count())
                  .compute(executor) == 500'500);
        CHECK(calls.load() == 2'000);
    });
}

TEST_CASE("persist computes once, and the bag starts from the results") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto bag = range(100, 4).map([&](std::int64_t x) {
            ++calls;
            return x;
        });
        const auto kept = bag.persist(executor);
        CHECK(calls.load() == 100);
        CHECK(kept.npartitions() == 4);
        CHECK(kept.compute(executor).size() == 100);
        CHECK(kept.map(twice).sum().compute(executor) == 9'900);
        CHECK(kept.take(3, {}, executor) == Numbers{0, 1, 2});
        CHECK(kept.persist(executor).count().compute(executor) == 100);
        CHECK(calls.load() == 100);
        CHECK(kept.name() == bag.name());
    });
}

TEST_CASE("take gives the first elements of the first partitions") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(10, 3);  // 4, 3, 3
        CHECK(bag.take(0, {}, executor) == Numbers{});
        CHECK(bag.take(3, {}, executor) == Numbers{0, 1, 2});
        CHECK(bag.take(4, {}, executor) == Numbers{0, 1, 2, 3});
        CHECK(bag.take(6, {.npartitions = 2}, executor) == Numbers{0, 1, 2, 3, 4, 5});
        CHECK(bag.take(9, {.npartitions = -1}, executor).size() == 9);
        CHECK(bag.take(9, {.npartitions = 3}, executor).size() == 9);
        CHECK(bag.filter(is_odd).take(4, {.npartitions = -1}, executor) == Numbers{1, 3, 5, 7});
    });
    CHECK(range(10, 3).take(2) == Numbers{0, 1});
}

TEST_CASE("take of more than there is gives what there is, and warns") {
    const auto bag = range(10, 3);
    Numbers taken;
    auto text = stderr_of([&] { taken = bag.take(5, {}, synchronous); });
    CHECK(taken == Numbers{0, 1, 2, 3});
    CHECK(text.find("take(5)") != std::string::npos);
    CHECK(text.find("only 4") != std::string::npos);
    CHECK(text.find("WARNING") != std::string::npos);
    CHECK(text.find("or -1 for all") != std::string::npos);
    text = stderr_of([&] { taken = bag.take(INT64_MAX, {.npartitions = -1}, synchronous); });
    CHECK(taken.size() == 10);
    CHECK(text.find("only 10 elements, which are all that the bag has") != std::string::npos);
    text = stderr_of([&] { taken = bag.take(10, {.npartitions = -1}, synchronous); });
    CHECK(text.empty());
    text = stderr_of([&] { taken = range(0, 1).take(0, {}, synchronous); });
    CHECK(text.empty());
}

TEST_CASE("take refuses numbers that cannot be") {
    const auto bag = range(10, 3);
    for (const auto& [k, npartitions] : {std::pair{-1, 1}, {1, 0}, {1, -2}, {1, 4}}) {
        const auto text = text_of<satchel::InvalidArgument>(
            [&, k = k, n = npartitions] { (void)bag.take(k, {.npartitions = n}, synchronous); });
        CHECK(text.starts_with("take: "));
    }
}

TEST_CASE("take reads no further than it must") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto count = [&](std::int64_t x) {
            ++calls;
            return x;
        };
        const auto calls_of = [&](const auto& take) {
            calls = 0;
            take();
            return calls.load();
        };
        const auto counted = range(100'000, 4).map(count);
        CHECK(calls_of([&] { (void)counted.take(3, {}, executor); }) == 3);
        CHECK(calls_of([&] { (void)counted.take(3, {.npartitions = -1}, executor); }) == 3);
        CHECK(calls_of([&] { (void)counted.take(5'000, {}, executor); }) < 5'000 + 1'024);
        // In stages of their own, too, and from elements that are kept.
        const auto numbers = satchel::from_sequence(Numbers(10'000), {.npartitions = 4});
        const satchel::Bag<std::int64_t> mapped = numbers.map(count);
        CHECK(calls_of([&] { (void)mapped.take(2, {}, executor); }) == 2);
        const auto large = counted.map([](std::int64_t) { return std::string(1'000'000, 'x'); });
        CHECK(calls_of([&] { (void)large.take(3, {}, executor); }) == 3);
        const auto pairs = counted.map([](std::int64_t x) { return Numbers{x, x}; }).flatten();
        CHECK(calls_of([&] { (void)pairs.take(4, {}, executor); }) <= 4);
        const auto lists = satchel::from_sequence({Numbers(1'000), Numbers(1'000)});
        CHECK(calls_of([&] { (void)lists.flatten().map(count).take(1, {}, executor); }) == 1);
        const auto partly = range(100'000, 4).map_partitions([](const Numbers& p) { return p; });
        CHECK(calls_of([&] { (void)partly.map(count).take(1, {}, executor); }) == 1);
        const auto zipped = satchel::zip(counted, range(100'000, 4));
        CHECK(calls_of([&] { (void)zipped.take(2, {}, executor); }) == 2);
        const auto added = counted.map(std::plus<>(), std::int64_t{1});
        CHECK(calls_of([&] { (void)added.take(2, {}, executor); }) == 2);
        const auto itself = [](std::int64_t x) { return x; };
        const auto joined = counted.join(range(10, 1), itself);
        CHECK(calls_of([&] { (void)joined.take(2, {}, executor); }) == 2);
        // Filters may drop what was read, so more is read each time.
        const auto filtered = counted.filter([](std::int64_t x) { return x >= 1'000; });
        CHECK(calls_of([&] { (void)filtered.take(1, {}, executor); }) <= 2'047);
        CHECK(filtered.take(2, {}, executor) == Numbers{1'000, 1'001});
    });
}

TEST_CASE("take of all partitions does no work for those that it does not reach") {
    std::atomic<int> calls{0};
    const auto counted = [&](std::vector<std::int64_t> part, int k) {
        ++calls;
        part.push_back(k);
        return part;
    };
    const auto bag = range(20, 10);
    CHECK(bag.map_partitions(counted, 5).take(1, {.npartitions = -1}) ==
          std::vector<std::int64_t>{0});
    CHECK(calls.load() == 1);
    CHECK(bag.map_partitions(counted, 5).take(4, {.npartitions = -1}, synchronous) ==
          std::vector<std::int64_t>{0, 1, 5, 2});
    CHECK(calls.load() == 3);
    const auto parity = [](std::int64_t x) { return x % 2; };
    CHECK(bag.groupby(parity, {.npartitions = 50}).take(2, {.npartitions = -1}).size() == 2);
    CHECK(bag.join(bag, parity, {.npartitions = 50}).take(3, {.npartitions = -1}).size() == 3);
}

TEST_CASE("take of nothing runs nothing") {
    std::atomic<int> calls{0};
    const auto bag = range(100, 2).map([&](std::int64_t x) {
        ++calls;
        return x;
    });
    CHECK(bag.take(0, {}, synchronous).empty());
    CHECK(calls.load() == 0);
}

TEST_CASE("for_each_partition gives the partitions in order, the empty ones too") {
    on_each_executor([](const Executor& executor) {
        std::vector<Numbers> partitions;
        const auto collect = [&](Numbers partition) { partitions.push_back(std::move(partition)); };
        range(3, 5).map(twice).for_each_partition(collect, {.executor = executor});
        CHECK(partitions == std::vector<Numbers>{{0}, {2}, {4}, {}, {}});
        partitions.clear();
        from_sequence(Numbers{}).for_each_partition(collect, {.executor = executor});
        CHECK(partitions == std::vector<Numbers>{{}});
        partitions.clear();
        range(1'000, 100)
            .filter(is_odd)
            .for_each_partition(collect, {.window = 1, .executor = executor});
        CHECK(partitions.size() == 100);
        CHECK(partitions[99] == Numbers{991, 993, 995, 997, 999});
    });
}

TEST_CASE("for_each_partition keeps no more partitions than its window") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t window : {1, 3, 0}) {
            const auto most = window == 0 ? 2 * executor.concurrency() + 2 : window;
            std::atomic<std::int64_t> begun{0};
            std::int64_t written = 0;
            std::atomic<bool> too_many{false};
            std::atomic<std::int64_t> done{0};
            range(60, 60)
                .map([&](std::int64_t x) {
                    if (++begun - done > most) too_many = true;
                    return x;
                })
                .for_each_partition(
                    [&](const Numbers& partition) {
                        REQUIRE(partition == Numbers{written});
                        ++written;
                        ++done;
                    },
                    {.window = window, .executor = executor});
            CHECK(written == 60);
            CHECK_FALSE(too_many);
        }
    });
    CHECK(text_of<satchel::InvalidArgument>([] {
              range(3, 3).for_each_partition([](const Numbers&) {}, {.window = -1});
          }).starts_with("for_each_partition: window is -1"));
}

TEST_CASE("for_each_partition of a product keeps to its window on whichever threads") {
    const ThreadPoolExecutor pool(2);
    for (const Executor* executor :
         {static_cast<const Executor*>(nullptr), static_cast<const Executor*>(&pool),
          static_cast<const Executor*>(&synchronous)}) {
        static std::atomic<std::int64_t> made;
        made = 0;
        std::int64_t seen = 0;
        std::int64_t ahead = 0;
        const auto pairs = range(100, 10).product(range(100, 10)).map([](const auto& pair) {
            ++made;
            return pair.first;
        });
        const auto look = [&](const Numbers& part) {
            ahead = std::max(ahead, made.load() - seen);
            seen += static_cast<std::int64_t>(part.size());
        };
        if (executor == nullptr) {
            pairs.for_each_partition(look, {.window = 2});
        } else {
            pairs.for_each_partition(look, {.window = 2, .executor = *executor});
        }
        CHECK(seen == 10'000);
        CHECK(ahead <= 1'000);
    }
}

TEST_CASE("a bag that was given away says so") {
    auto bag = range(3, 3).map(twice);
    CHECK(std::move(bag).compute(synchronous).size() == 3);
    // NOLINTBEGIN(bugprone-use-after-move)
    CHECK(text_of<satchel::InvalidArgument>([&] {
              (void)bag.compute(synchronous);
          }).starts_with("this Bag or Delayed was moved from"));
    CHECK_THROWS_AS((void)bag.sum(), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)bag.npartitions(), satchel::InvalidArgument);
    // NOLINTEND(bugprone-use-after-move)
}

TEST_CASE("for_each_partition of bags that stand on results of others") {
    on_each_executor([](const Executor& executor) {
        const auto kept = range(100, 4).map(twice).persist(executor);
        Numbers all;
        const auto collect = [&](const Numbers& p) { all.insert(all.end(), p.begin(), p.end()); };
        kept.filter([](std::int64_t x) { return x % 4 == 0; })
            .for_each_partition(collect, {.executor = executor});
        CHECK(all.size() == 50);
        all.clear();
        auto long_chain = range(100, 4);
        for (int k = 0; k < 200; ++k) {
            long_chain = long_chain.map([](std::int64_t x) { return x + 1; });
        }
        long_chain.for_each_partition(collect, {.executor = executor});
        REQUIRE(all.size() == 100);
        CHECK(all[99] == 299);
    });
}

TEST_CASE("exceptions end for_each_partition") {
    on_each_executor([](const Executor& executor) {
        int written = 0;
        const auto bag = range(100, 50).map([](std::int64_t x) {
            if (x == 60) throw std::out_of_range("in the bag");
            return x;
        });
        CHECK(text_of<std::out_of_range>([&] {
                  bag.for_each_partition([&](const Numbers&) { ++written; },
                                         {.executor = executor});
              }) == "in the bag");
        CHECK(written == 30);
        CHECK(text_of<std::out_of_range>([&] {
                  bag.for_each_partition(
                      [&](const Numbers& p) {
                          if (p.front() == 10) throw std::out_of_range("in write");
                      },
                      {.executor = executor});
              }) == "in write");
    });
}

TEST_CASE("to_delayed gives a lazy value for each partition") {
    on_each_executor([](const Executor& executor) {
        const auto parts = range(10, 3).map(twice).to_delayed();
        REQUIRE(parts.size() == 3);
        CHECK(parts[0].compute(executor) == Numbers{0, 2, 4, 6});
        CHECK(parts[2].compute(executor) == Numbers{14, 16, 18});
        CHECK(compute(executor, parts)[1] == Numbers{8, 10, 12});
        CHECK(parts[0].key() != parts[1].key());
        CHECK(parts[0].apply([](const Numbers& p) { return p.size(); }).compute(executor) == 4);
    });
}

TEST_CASE("one partition of to_delayed computes no other") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto parts = range(100, 10)
                               .map([&](std::int64_t x) {
                                   ++calls;
                                   return x;
                               })
                               .to_delayed();
        CHECK(parts[3].compute(executor).front() == 30);
        CHECK(calls.load() == 10);
        CHECK(compute(executor, parts[1], parts[2]) ==
              std::tuple(parts[1].compute(), parts[2].compute()));
        CHECK(calls.load() == 10 + 20 + 20);
    });
}

TEST_CASE("a stopped token stops a bag") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        source.request_stop();
        std::atomic<int> calls{0};
        const auto bag = range(100, 10).map([&](std::int64_t x) {
            ++calls;
            return x;
        });
        CHECK_THROWS_AS((void)bag.compute(executor, {source.get_token()}), satchel::Cancelled);
        CHECK_THROWS_AS((void)bag.persist(executor, {source.get_token()}), satchel::Cancelled);
        CHECK_THROWS_AS((void)bag.sum().compute(executor, {source.get_token()}),
                        satchel::Cancelled);
        CHECK(calls.load() == 0);
    });
}

TEST_CASE("names: the same operation on the same handle has the same name") {
    const auto bag = from_sequence(std::vector<std::vector<int>>{{1}, {2, 3}});
    const auto copy = bag;
    const auto size = [](const std::vector<int>& x) { return x.size(); };
    const auto is_small = [](const std::vector<int>& x) { return x.size() < 2; };
    const auto sizes = [](std::span<const std::vector<int>> p) { return p.size(); };
    CHECK(bag.name() == copy.name());
    CHECK(bag.map(size).name() == copy.map(size).name());
    CHECK(bag.filter(is_small).name() == bag.filter(is_small).name());
    CHECK(bag.flatten().name() == bag.flatten().name());
    CHECK(bag.map_partitions(sizes).name() == bag.map_partitions(sizes).name());
    CHECK(bag.map(&twice_size).name() == bag.map(&twice_size).name());
    CHECK(bag.count().key() == bag.count().key());
    CHECK(bag.flatten().sum().key() == bag.flatten().sum().key());
    CHECK(range(10, 2).name() == range(10, 2).name());
}

TEST_CASE("names: equal names mean equal contents") {
    const auto bag = from_sequence({1, 2, 3, 4, 5});
    const auto same_data = from_sequence({1, 2, 3, 4, 5});
    const auto plus_one = [](int x) { return x + 1; };
    const auto plus_two = [](int x) { return x + 2; };
    const auto add = [](int a, int b) { return a + b; };
    const auto multiply = [](int a, int b) { return a * b; };
    CHECK(bag.name() != same_data.name());
    CHECK(range(10, 2).name() != range(10, 3).name());
    CHECK(range(10, 2).name() != range(11, 2).name());
    CHECK(bag.map(plus_one).name() != bag.map(plus_two).name());
    CHECK(bag.map(plus_one).name() != bag.filter(plus_one).name());
    CHECK(bag.map(plus_one).name() != same_data.map(plus_one).name());
    CHECK(bag.map(plus_one).map(plus_two).name() != bag.map(plus_two).map(plus_one).name());
    CHECK(bag.sum().key() != bag.map(plus_one).sum().key());
    CHECK(bag.fold(add).key() == bag.fold(add).key());
    CHECK(bag.fold(add).key() != bag.fold(multiply).key());
    CHECK(bag.fold(add, add, 0).key() != bag.fold(add, add, 1).key());
    CHECK(bag.fold(add, add, 0).key() != bag.fold(add).key());
    int n = 1;
    const auto plus_n = [&](int x) { return x + n; };
    CHECK(bag.map(plus_n).name() != bag.map(plus_n).name());  // its state may change
}

TEST_CASE("names and formatting are for people") {
    const auto bag = range(10, 3).map(twice);
    CHECK(bag.name().starts_with("map-"));
    CHECK(bag.name().size() == 4 + 32);
    CHECK(fmt::format("{}", bag) == "satchel.bag<map, npartitions=3>");
    CHECK(fmt::format("{}", range(1, 1)) == "satchel.bag<range, npartitions=1>");
    CHECK(fmt::format("{}", from_sequence({1, 2})) == "satchel.bag<from_sequence, npartitions=2>");
    CHECK(fmt::format("{}", bag.sum()) == "Delayed('" + bag.sum().key() + "')");
    CHECK(bag.sum().key().starts_with("sum-"));
}

TEST_CASE("chains of maps of any length are computed and destroyed without recursion") {
    on_each_executor([](const Executor& executor) {
        for (const int length : {63, 64, 65, 1'000, 100'000}) {
            CAPTURE(length);
            auto bag = range(20, 2);
            for (int k = 0; k < length; ++k) {
                bag = std::move(bag).map([](std::int64_t x) { return x + 1; });
            }
            CHECK(bag.compute(executor)[19] == 19 + length);
            CHECK(bag.sum().compute(executor) == 190 + 20 * length);
            CHECK(std::move(bag).compute(executor)[19] == 19 + length);
        }
    });
}

TEST_CASE("a long chain that is given up with its source moves the elements") {
    using Owner = std::unique_ptr<std::int64_t>;
    std::vector<Owner> owners;
    for (std::int64_t k = 0; k < 20; ++k) owners.push_back(std::make_unique<std::int64_t>(k));
    auto bag = from_sequence(std::move(owners), {.npartitions = 2});
    for (int k = 0; k < 50'000; ++k) {
        bag = std::move(bag).map([](Owner x) {
            ++*x;
            return x;
        });
    }
    CHECK(*std::move(bag).compute(synchronous)[19] == 50'019);
}

TEST_CASE("long chains of filters and of handles that are kept") {
    std::vector<Bag<std::int64_t>> kept{range(2'000, 2)};
    for (int k = 0; k < 1'000; ++k) {
        kept.push_back(kept.back().filter([](std::int64_t x) { return x >= 0; }).map(twice));
        kept.back() = kept.back().map([](std::int64_t x) { return x / 2; });
    }
    on_each_executor([&](const Executor& executor) {
        CHECK(kept.back().compute(executor) == kept.front().compute(executor));
        CHECK(kept[500].count().compute(executor) == 2'000);
    });
}
