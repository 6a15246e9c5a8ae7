// What is drawn by chance: random_sample, sample, choices. The same seed gives the same result on
// every executor; what is drawn is uniform, tested by loose bounds on a chi-square of fixed seeds.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::concat;
using satchel::EmptyBag;
using satchel::Executor;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace {

using Numbers = std::vector<std::int64_t>;

// How far counts are from all being equal; `categories` - 1 on average, with a standard deviation
// of the root of twice that.
double chi_square(const Numbers& counts) {
    double total = 0;
    for (const auto n : counts) total += static_cast<double>(n);
    const double expected = total / static_cast<double>(counts.size());
    double sum = 0;
    for (const auto n : counts) sum += std::pow(static_cast<double>(n) - expected, 2) / expected;
    return sum;
}

// Whether counts could come from equal chances: within five standard deviations, on both sides.
bool looks_uniform(const Numbers& counts) {
    const auto freedom = static_cast<double>(counts.size() - 1);
    return std::abs(chi_square(counts) - freedom) < 5 * std::sqrt(2 * freedom);
}

bool is_ascending(const Numbers& numbers) {
    return std::ranges::adjacent_find(numbers, std::greater_equal{}) == numbers.end();
}

// Draws from bags of the same numbers give the same everywhere, and for strings and numbers alike.
template <class Draw>
void check_repeatable(Draw draw) {
    const auto words = [](std::int64_t x) { return "a word of some length: " + std::to_string(x); };
    for (const std::int64_t npartitions : {1, 3, 40}) {
        CAPTURE(npartitions);
        const auto bag = range(3'000, npartitions);
        const auto expected = draw(bag).compute(SynchronousExecutor{});
        const auto expected_words = draw(bag.map(words)).compute(SynchronousExecutor{});
        REQUIRE(expected.size() == expected_words.size());
        for (std::size_t k = 0; k < expected.size(); ++k) {
            CHECK(expected_words[k] == words(expected[k]));
        }
        const auto handle = draw(bag);
        on_each_executor([&](const Executor& executor) {
            CHECK(draw(bag).compute(executor) == expected);
            CHECK(handle.compute(executor) == expected);
            CHECK(handle.compute(executor) == expected);
            CHECK(draw(bag.persist(executor)).compute(executor) == expected);
            CHECK(draw(bag.map(words)).compute(executor) == expected_words);
        });
    }
}

}  // namespace

// ---- random_sample ------------------------------------------------------------------------------

TEST_CASE("random_sample keeps each element with the probability given, in order") {
    for (const double p : {0.01, 0.5, 0.9}) {
        CAPTURE(p);
        const auto kept = range(100'000, 7).random_sample(p, 1).compute();
        CHECK(is_ascending(kept));
        CHECK(std::abs(static_cast<double>(kept.size()) - 100'000 * p) <
              5 * std::sqrt(100'000 * p * (1 - p)));
        Numbers counts(20);
        for (const auto x : kept) ++counts[static_cast<std::size_t>(x / 5'000)];
        CHECK(looks_uniform(counts));
    }
    CHECK(range(1'000, 3).random_sample(0, 1).compute().empty());
    CHECK(range(1'000, 3).random_sample(1, 1).count().compute() == 1'000);
    CHECK(range(1'000, 3).random_sample(0.5, 1).npartitions() == 3);
    CHECK(range(0, 3).random_sample(0.5, 1).compute().empty());
}

TEST_CASE("random_sample: the same seed gives the same on every executor") {
    check_repeatable([](const auto& bag) { return bag.random_sample(0.3, 42); });
    const auto bag = range(1'000, 3);
    CHECK(bag.random_sample(0.5, 1).compute() != bag.random_sample(0.5, 2).compute());
    CHECK(bag.random_sample(0.5).compute() != bag.random_sample(0.5).compute());
    const auto unseeded = bag.random_sample(0.5);
    CHECK(unseeded.compute() == unseeded.compute());
}

TEST_CASE("random_sample: partitions are independent of each other") {
    std::set<Numbers> seen;
    for (const auto& partition : satchel::compute(range(16'000, 160)
                                                      .map([](std::int64_t x) { return x % 100; })
                                                      .random_sample(0.5, 3)
                                                      .to_delayed())) {
        seen.insert(partition);
    }
    CHECK(seen.size() == 160);
}

TEST_CASE("random_sample refuses what is no probability, at the call") {
    const auto bag = range(10, 2);
    for (const double p : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
        const auto text = text_of<InvalidArgument>([&] { (void)bag.random_sample(p, 1); });
        CHECK(text.starts_with("random_sample: the probability is "));
    }
}

// ---- sample -------------------------------------------------------------------------------------

TEST_CASE("sample gives k elements at different positions, in order") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 7, 30}) {
            for (const std::int64_t k : {0, 1, 10, 999, 1'000}) {
                const auto bag = range(1'000, npartitions);
                const auto drawn = bag.sample(k, 5).compute(executor);
                CHECK(drawn.size() == static_cast<std::size_t>(k));
                CHECK(is_ascending(drawn));
                CHECK(bag.sample(k, 5).npartitions() == 1);
            }
        }
        CHECK(range(0, 3).sample(0, 1).compute(executor).empty());
    });
    // Positions, not values, are different.
    CHECK(from_sequence(std::vector<char>(5, 'x')).sample(4, 1).compute() ==
          std::vector<char>(4, 'x'));
}

TEST_CASE("sample: the same seed gives the same on every executor") {
    check_repeatable([](const auto& bag) { return bag.sample(100, 42); });
    const auto bag = range(1'000, 3);
    CHECK(bag.sample(50, 1).compute() != bag.sample(50, 2).compute());
    CHECK(bag.sample(50).compute() != bag.sample(50).compute());
    CHECK(bag.sample(50, 1, {.split_every = 2}).compute() == bag.sample(50, 1).compute());
}

TEST_CASE("sample: every position has the same chance, also in partitions of unequal size") {
    const auto bag = concat(range(3, 1), range(0, 1), range(60, 1), range(1, 1), range(36, 2));
    const auto numbered =
        bag.map([](std::int64_t) { return std::int64_t{1}; }).accumulate(std::plus<>{}).persist();
    for (const std::int64_t k : {1, 5, 50}) {
        CAPTURE(k);
        Numbers counts(100);
        const std::int64_t rounds = 20'000 / k;
        for (std::int64_t round = 0; round < rounds; ++round) {
            const auto seed = static_cast<std::uint64_t>(round);
            for (const auto x : numbered.sample(k, seed).compute(SynchronousExecutor{})) {
                ++counts[static_cast<std::size_t>(x - 1)];
            }
        }
        // Drawing without replacement makes counts more equal than chance.
        CHECK(chi_square(counts) < 99 + 5 * std::sqrt(2 * 99));
    }
}

TEST_CASE("sample of more than there is fails when computed, of less than none at the call") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(10, 3);
        const auto text =
            text_of<InvalidArgument>([&] { (void)bag.sample(11, 1).compute(executor); });
        CHECK(text.starts_with("sample: asked for 11 elements of a bag that has 10"));
        CHECK_THROWS_AS((void)range(0, 3).sample(1, 1).compute(executor), InvalidArgument);
    });
    const auto text = text_of<InvalidArgument>([] { (void)range(10, 3).sample(-1, 1); });
    CHECK(text.starts_with("sample: asked for -1 elements"));
}

// ---- choices ------------------------------------------------------------------------------------

TEST_CASE("choices draws k times with replacement") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 7}) {
            for (const std::int64_t k : {0, 1, 10, 500}) {
                const auto drawn = range(10, npartitions).choices(k, 5).compute(executor);
                CHECK(drawn.size() == static_cast<std::size_t>(k));
                for (const auto x : drawn) CHECK((x >= 0 && x < 10));
            }
        }
        CHECK(range(0, 3).choices(0, 1).compute(executor).empty());
        CHECK(from_sequence({true}).choices(3, 1).compute(executor) ==
              std::vector<bool>{true, true, true});
        CHECK(from_sequence({"a"}).choices(2, 1).compute(executor) ==
              std::vector<std::string>{"a", "a"});
    });
}

TEST_CASE("choices: the same seed gives the same on every executor") {
    check_repeatable([](const auto& bag) { return bag.choices(100, 42); });
    const auto bag = range(1'000, 3);
    CHECK(bag.choices(50, 1).compute() != bag.choices(50, 2).compute());
    CHECK(bag.choices(50).compute() != bag.choices(50).compute());
}

TEST_CASE("choices: every position has the same chance in every draw") {
    const auto bag = concat(range(3, 1), range(0, 1), range(60, 1), range(1, 1), range(36, 2));
    const auto numbered =
        bag.map([](std::int64_t) { return std::int64_t{1}; }).accumulate(std::plus<>{}).persist();
    Numbers all(100);
    Numbers first(100);
    Numbers pairs(16);  // two draws one after the other, by their quarters
    for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
        const auto drawn = numbered.choices(5, seed).compute(SynchronousExecutor{});
        for (const auto x : drawn) ++all[static_cast<std::size_t>(x - 1)];
        ++first[static_cast<std::size_t>(drawn[0] - 1)];
        ++pairs[static_cast<std::size_t>((drawn[0] - 1) / 25 * 4 + (drawn[1] - 1) / 25)];
    }
    CHECK(looks_uniform(all));
    CHECK(looks_uniform(first));
    CHECK(looks_uniform(pairs));
}

TEST_CASE("choices from partitions larger than a batch") {
    Numbers counts(50);
    for (const auto x : range(10'000, 2).choices(50'000, 9).compute()) {
        ++counts[static_cast<std::size_t>(x / 200)];
    }
    CHECK(looks_uniform(counts));
}

TEST_CASE("choices of as many as there are takes time in proportion, not to its square") {
    const auto drawn = range(300'000, 3).choices(300'000, 9).compute();
    Numbers counts(100);
    for (const auto x : drawn) ++counts[static_cast<std::size_t>(x / 3'000)];
    CHECK(looks_uniform(counts));
    // Of so many, 1 - 1/e are drawn at least once.
    const auto different = static_cast<double>(std::set(drawn.begin(), drawn.end()).size());
    CHECK(std::abs(different / 300'000 - 0.6321) < 0.005);
}

TEST_CASE("choices from nothing fail when computed, fewer than none at the call") {
    on_each_executor([](const Executor& executor) {
        const auto text =
            text_of<EmptyBag>([&] { (void)range(0, 3).choices(1, 1).compute(executor); });
        CHECK(text.starts_with("choices of a bag without elements"));
    });
    const auto text = text_of<InvalidArgument>([] { (void)range(10, 3).choices(-1, 1); });
    CHECK(text.starts_with("choices: asked for -1 elements"));
}

TEST_CASE("choices are the same however the bag comes by its elements") {
    const auto bag = range(5'000, 3).filter([](std::int64_t x) { return x % 7 != 0; });
    const auto expected = bag.choices(50, 11).compute(SynchronousExecutor());
    CHECK(bag.persist(SynchronousExecutor()).choices(50, 11).compute(SynchronousExecutor()) ==
          expected);
    CHECK(std::get<0>(satchel::compute(SynchronousExecutor(), bag.choices(50, 11), bag)) ==
          expected);
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
