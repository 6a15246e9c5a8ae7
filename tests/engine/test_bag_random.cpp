// What is chosen at random: random_sample, sample, choices.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::EmptyBag;
using satchel::Executor;
using satchel::InvalidArgument;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

using Numbers = std::vector<std::int64_t>;

namespace {

const SynchronousExecutor synchronous;

}  // namespace

TEST_CASE("random_sample keeps about p, and the same on every executor") {
    const auto expected = range(100'000, 8).random_sample(0.3, 42).compute(synchronous);
    CHECK(expected.size() > 29'000);
    CHECK(expected.size() < 31'000);
    CHECK(std::ranges::is_sorted(expected));
    on_each_executor([&](const Executor& executor) {
        const auto bag = range(100'000, 8);
        CHECK(bag.random_sample(0.3, 42).compute(executor) == expected);
        CHECK(bag.random_sample(0.3, 42).count().compute(executor) == expected.size());
        CHECK(bag.persist(executor).random_sample(0.3, 42).compute(executor) == expected);
        CHECK(bag.random_sample(0.3, 43).compute(executor) != expected);
        CHECK(bag.random_sample(0, 1).compute(executor).empty());
        CHECK(bag.random_sample(1, 1).count().compute(executor) == 100'000);
    });
    const auto bag = range(1'000, 2);
    CHECK(bag.random_sample(0.5).compute(synchronous) !=
          bag.random_sample(0.5).compute(synchronous));
    const auto once = bag.random_sample(0.5);
    CHECK(once.compute(synchronous) == once.compute(synchronous));
}

TEST_CASE("random_sample refuses what is no probability") {
    const auto bag = range(10, 2);
    for (const double p : {-0.1, 1.1, std::nan(""), 1e300 * 1e300, -1e300}) {
        CHECK(text_of<InvalidArgument>([&] {
                  (void)bag.random_sample(p);
              }).starts_with("random_sample: "));
    }
}

TEST_CASE("random_sample treats partitions differently") {
    const auto kept = range(20'000, 2).random_sample(0.5, 7).compute(synchronous);
    std::set<std::int64_t> first;
    std::set<std::int64_t> second;
    for (const auto x : kept) (x < 10'000 ? first : second).insert(x % 10'000);
    CHECK(first != second);
}

TEST_CASE("sample: k different positions in the order of the bag, the same on every executor") {
    const auto expected = range(10'000, 7).sample(50, 3).compute(synchronous);
    CHECK(expected.size() == 50);
    CHECK(std::ranges::is_sorted(expected));
    CHECK(std::set(expected.begin(), expected.end()).size() == 50);
    on_each_executor([&](const Executor& executor) {
        const auto bag = range(10'000, 7);
        CHECK(bag.sample(50, 3).compute(executor) == expected);
        CHECK(bag.sample(50, 3, {.split_every = 2}).compute(executor) == expected);
        CHECK(bag.persist(executor).sample(50, 3).compute(executor) == expected);
        CHECK(bag.sample(50, 4).compute(executor) != expected);
        CHECK(bag.sample(10'000, 1).compute(executor) == bag.compute(executor));
        CHECK(bag.sample(0, 1).compute(executor).empty());
        const auto text =
            text_of<InvalidArgument>([&] { (void)range(5, 3).sample(6, 1).compute(executor); });
        CHECK(text.starts_with("sample: "));
        CHECK(text.find("that has 5") != std::string::npos);
    });
    CHECK_THROWS_AS((void)range(5, 3).sample(-1), InvalidArgument);
}

TEST_CASE("sample and choices are uniform, whatever the division") {
    // Each of 20 elements is drawn about 3000 times of 12 000; six standard deviations are 290.
    const auto skewed = concat(range(1, 1), range(19, 2).map([](std::int64_t x) { return x + 1; }));
    const auto check = [](const Bag<std::int64_t>& bag, bool with_replacement) {
        std::vector<int> times(20);
        for (std::uint64_t seed = 0; seed < 2'400; ++seed) {
            const auto drawn = with_replacement ? bag.choices(5, seed) : bag.sample(5, seed);
            for (const auto x : drawn.compute(synchronous)) ++times[static_cast<std::size_t>(x)];
        }
        for (const auto count : times) {
            CHECK(count > 600 - 150);
            CHECK(count < 600 + 150);
        }
    };
    check(skewed, false);
    check(skewed, true);
    check(range(20, 1), true);
    check(range(20, 20), true);
}

TEST_CASE("choices: k draws, the same on every executor") {
    const auto bag = range(1'000, 7).filter([](std::int64_t x) { return x % 3 != 0; });
    const auto expected = bag.choices(100, 3).compute(synchronous);
    CHECK(expected.size() == 100);
    CHECK(std::ranges::all_of(expected, [](std::int64_t x) { return x % 3 != 0; }));
    on_each_executor([&](const Executor& executor) {
        CHECK(bag.choices(100, 3).compute(executor) == expected);
        CHECK(bag.choices(100, 4).compute(executor) != expected);
        CHECK(bag.choices(0, 3).compute(executor).empty());
        CHECK(range(1, 5).choices(10, 1).compute(executor) == Numbers(10, 0));
        CHECK(text_of<EmptyBag>([&] {
                  (void)range(0, 3).choices(1, 1).compute(executor);
              }).starts_with("choices "));
        CHECK(range(0, 3).choices(0, 1).compute(executor).empty());
    });
    CHECK_THROWS_AS((void)bag.choices(-1), InvalidArgument);
}

TEST_CASE("choices are the same however the bag comes by its elements") {
    const auto bag = range(5'000, 3).filter([](std::int64_t x) { return x % 7 != 0; });
    const auto expected = bag.choices(50, 11).compute(synchronous);
    CHECK(bag.persist(synchronous).choices(50, 11).compute(synchronous) == expected);
    CHECK(std::get<0>(satchel::compute(synchronous, bag.choices(50, 11), bag)) == expected);
}

TEST_CASE("what is chosen with one seed has one name") {
    const auto bag = range(10, 2);
    CHECK(bag.sample(3, 1).name() == bag.sample(3, 1).name());
    CHECK(bag.sample(3, 1).name() != bag.sample(3, 2).name());
    CHECK(bag.sample(3, 1).name() != bag.choices(3, 1).name());
    CHECK(bag.sample(3).name() != bag.sample(3).name());
    CHECK(bag.random_sample(0.5, 1).name() == bag.random_sample(0.5, 1).name());
    CHECK(bag.random_sample(0.5, 1).name() != bag.random_sample(0.25, 1).name());
}
