// Chains of element-wise operations that are compiled into one loop: the same results as stage by
// stage, whatever is stored in between, and bags that go on being bags.
#include <satchel/bag.hpp>

#include "engine/support.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::Executor;
using satchel::from_sequence;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::on_each_executor;

using Numbers = std::vector<std::int64_t>;

namespace {

const auto triple = [](std::int64_t x) { return 3 * x + 1; };
const auto is_odd = [](std::int64_t x) { return x % 2 != 0; };
const auto halve = [](std::int64_t x) { return x / 2; };

Numbers expected(std::int64_t n) {
    Numbers kept;
    for (std::int64_t x = 0; x < n; ++x) {
        if (is_odd(triple(x))) kept.push_back(halve(triple(x)));
    }
    return kept;
}

}  // namespace

TEST_CASE("numbers counted off and numbers stored go through a chain alike") {
    for (const std::int64_t n : {0, 1, 2, 1'023, 1'024, 1'025, 400'000}) {
        const auto wanted = expected(n);
        std::int64_t sum = 0;
        for (const auto x : wanted) sum += x;
        const Bag<std::int64_t> stored = from_sequence(range(n, 1).compute(), {.npartitions = 3});
        for (const Bag<std::int64_t>& bag : {range(n, 3), stored}) {
            const auto chain = bag.map(triple).filter(is_odd).map(halve);
            on_each_executor([&](const Executor& executor) {
                CHECK(chain.compute(executor) == wanted);
                CHECK(chain.sum().compute(executor) == sum);
                CHECK(chain.count().compute(executor) == wanted.size());
                const auto folded = chain.fold([](std::int64_t a, std::int64_t b) { return a + b; },
                                               std::plus<>(), std::int64_t{0});
                CHECK(folded.compute(executor) == sum);
            });
            if (wanted.empty()) continue;
            CHECK(chain.min().compute() == wanted.front());
            CHECK(chain.max().compute() == wanted.back());
        }
    }
}

TEST_CASE("what is stored between stages of a chain divides it") {
    const auto bag = range(5'000, 4).map(triple);
    const auto kept = bag.filter(is_odd);
    const auto halves = kept.map(halve);
    on_each_executor([&](const Executor& executor) {
        const auto [some, sum, all] = satchel::compute(executor, kept, halves.sum(), bag);
        CHECK(all.size() == 5'000);
        CHECK(some.size() == 2'500);
        CHECK(sum == halves.sum().compute(executor));
        CHECK(kept.persist(executor).map(halve).sum().compute(executor) == sum);
    });
}

TEST_CASE("elements that are moved, copied and pointed to go through a chain alike") {
    const std::vector<std::string> words{"Ada", "Grace", "Edsger", "Barbara", "Donald"};
    const auto bag = from_sequence(words, {.npartitions = 2});
    const auto chain = bag.map([](const std::string& word) { return word + "!"; })
                           .filter([](const std::string& word) { return word.size() > 5; })
                           .map([](std::string word) { return word + word; })
                           .remove([](const std::string& word) { return word[0] == 'D'; });
    on_each_executor([&](const Executor& executor) {
        CHECK(chain.compute(executor) ==
              std::vector<std::string>{"Grace!Grace!", "Edsger!Edsger!", "Barbara!Barbara!"});
        CHECK(chain.map(&std::string::size).sum().compute(executor) == 12 + 14 + 16);
        CHECK(chain.count().compute(executor) == 3);
        CHECK(bag.compute(executor) == words);
    });
    const auto owners =
        range(10, 2)
            .map([](std::int64_t x) { return std::make_unique<std::int64_t>(x); })
            .filter([](const std::unique_ptr<std::int64_t>& x) { return *x > 4; })
            .map([](std::unique_ptr<std::int64_t> x) { return std::make_unique<int>(int(*x)); });
    CHECK(owners.map([](const std::unique_ptr<int>& x) { return *x; }).sum().compute() == 35);
}

TEST_CASE("elements of elements go through a chain as through stages") {
    const auto repeated = [](std::int64_t x) {
        return Numbers(static_cast<std::size_t>(x % 5), x);
    };
    for (const std::int64_t n : {0, 1, 4, 5'000}) {
        Numbers wanted;
        std::int64_t sum = 0;
        for (std::int64_t x = 0; x < n; ++x) {
            for (std::int64_t k = 0; k < x % 5; ++k) {
                if (is_odd(x)) wanted.push_back(halve(x));
            }
        }
        for (const auto x : wanted) sum += x;
        const auto chain = range(n, 3).map(repeated).flatten().filter(is_odd).map(halve);
        const auto twice = range(n, 3).map(repeated).map(
            [](Numbers x) { return std::vector<Numbers>(2, std::move(x)); });
        on_each_executor([&](const Executor& executor) {
            CHECK(chain.compute(executor) == wanted);
            CHECK(chain.sum().compute(executor) == sum);
            CHECK(chain.count().compute(executor) == wanted.size());
            const auto flat = twice.flatten().flatten().filter(is_odd).map(halve);
            CHECK(flat.sum().compute(executor) == 2 * sum);
            CHECK(flat.compute(executor).size() == 2 * wanted.size());
        });
    }
    // An element that expands to more than a batch.
    const auto wide = range(3, 1).map([](std::int64_t) { return Numbers(10'000, 7); }).flatten();
    CHECK(wide.map(halve).sum().compute() == 3 * 10'000 * 3);
    CHECK(wide.map(halve).compute() == Numbers(30'000, 3));
}

TEST_CASE("strings that a chain makes are counted as those of a bag are") {
    const auto letters = [](std::int64_t x) {
        std::vector<std::string> made;
        for (std::int64_t k = 0; k < x % 5; ++k) {
            made.emplace_back(static_cast<std::size_t>(x * k % 37), static_cast<char>('a' + k));
        }
        return made;
    };
    const auto chain = range(3'000, 4).map(letters).flatten();
    const Bag<std::string> bag = from_sequence(chain.compute(), {.npartitions = 7});
    const auto kept =
        bag.persist().map([](const std::string& x) -> const std::string& { return x; });
    on_each_executor([&](const Executor& executor) {
        const auto wanted = bag.frequencies().compute(executor);
        CHECK(wanted.size() > 100);
        CHECK(chain.frequencies().compute(executor) == wanted);
        CHECK(kept.frequencies().compute(executor) == wanted);
        CHECK(chain.frequencies({.sort = true}).compute(executor) ==
              bag.frequencies({.sort = true}).compute(executor));
        CHECK(chain.distinct().compute(executor) == bag.distinct().compute(executor));
        CHECK(chain.distinct(&std::string::size).compute(executor) ==
              bag.distinct(&std::string::size).compute(executor));
    });
    CHECK(kept.compute() == bag.compute());
}

TEST_CASE("ranges of every kind are flattened within a chain") {
    const auto numbers = range(10, 2);
    const auto maps = numbers.map([](std::int64_t x) {
        return std::map<std::int64_t, std::string>{{x, "a"}, {x + 1, "b"}};
    });
    const auto key = [](const std::pair<std::int64_t, std::string>& entry) { return entry.first; };
    CHECK(maps.flatten().map(key).sum().compute() == 100);
    const auto flags = numbers.map(
        [](std::int64_t x) { return std::vector<bool>(static_cast<std::size_t>(x), x % 2 == 0); });
    CHECK(flags.flatten().count().compute() == 45);
    CHECK(flags.flatten().sum().compute() == 20);
    const auto owners = numbers.map([](std::int64_t x) {
        std::vector<std::unique_ptr<std::int64_t>> one;
        one.push_back(std::make_unique<std::int64_t>(x));
        return one;
    });
    const auto value = [](std::unique_ptr<std::int64_t> owner) { return *owner; };
    CHECK(owners.flatten().map(value).sum().compute() == 45);
    const auto kept = numbers.map([](std::int64_t x) { return std::to_string(x); }).persist();
    CHECK(kept.map([](std::string x) { return x + "!"; }).flatten().max().compute() == '9');
    CHECK(kept.compute().size() == 10);
}

TEST_CASE("what elements only point to is read, and not taken away") {
    using Texts = std::vector<std::string>;
    const std::string text(200, 'x');
    Numbers numbers(200, 5);
    Texts texts(3, text);
    const auto increase = [](std::int64_t x) { return x + 1; };
    const auto always = [](const auto&) { return true; };
    const auto views = from_sequence(std::vector{std::span(numbers)}).filter(always).flatten();
    const auto spans = from_sequence(std::vector{std::span(texts)}).filter(always).flatten();
    const auto letters = from_sequence(std::vector{std::string_view(text)}).filter(always);
    on_each_executor([&](const Executor& executor) {
        CHECK(views.map(increase).compute(executor) == Numbers(200, 6));
        CHECK(spans.compute(executor) == Texts(3, text));
        CHECK(letters.flatten()
                  .map([](char c) { return static_cast<char>(c + 1); })
                  .compute(executor) == std::vector<char>(200, 'y'));
    });
    // Copies of a range that share its parts.
    struct Shared {
        std::shared_ptr<Texts> parts;
        [[nodiscard]] auto begin() const { return parts->begin(); }
        [[nodiscard]] auto end() const { return parts->end(); }
    };
    const Shared shared{std::make_shared<Texts>(texts)};
    const auto twice = range(2, 1).map([=](std::int64_t) { return shared; }).flatten();
    CHECK(twice.compute() == Texts(6, text));
    const auto sizes = twice.map([](std::string x) { return x.size(); });
    CHECK(sizes.sum().compute() == 6 * 200);
    CHECK(numbers == Numbers(200, 5));
    CHECK(texts == Texts(3, text));
    CHECK(*shared.parts == Texts(3, text));
}

TEST_CASE("a bag that a longer chain is assigned to stays right") {
    auto bag = range(10, 2).map(triple);
    for (int k = 0; k < 3; ++k) bag = bag.map(triple);
    Numbers wanted;
    for (std::int64_t x = 0; x < 10; ++x) wanted.push_back(triple(triple(triple(triple(x)))));
    CHECK(bag.compute() == wanted);
    CHECK(bag.map(halve).filter(is_odd).count().compute() ==
          Bag<std::int64_t>(bag).map(halve).filter(is_odd).count().compute());
    const Bag<std::int64_t> plain = bag;
    CHECK(plain.compute() == wanted);
}

TEST_CASE("chains longer than the compiler is asked to fuse") {
    const auto bag = range(3'000, 2);
    const auto once = bag.map(triple).filter(is_odd).map(halve).map(triple).filter(is_odd);
    const auto twice = once.map(halve).map(triple).remove(is_odd).map(halve).map(triple);
    Numbers wanted;
    for (const auto x : expected(3'000)) {
        if (!is_odd(triple(x))) continue;
        const auto y = triple(halve(triple(x)));
        if (!is_odd(y)) wanted.push_back(triple(halve(y)));
    }
    on_each_executor([&](const Executor& executor) { CHECK(twice.compute(executor) == wanted); });
}

TEST_CASE("functions with state have a copy for each task, and call for each element once") {
    struct Numbered {
        std::int64_t next = 0;
        std::int64_t operator()(std::int64_t) { return next++; }
    };
    const auto bag = range(10, 2).map(Numbered()).map(triple);
    on_each_executor([&](const Executor& executor) {
        CHECK(bag.compute(executor) == Numbers{1, 4, 7, 10, 13, 1, 4, 7, 10, 13});
        CHECK(bag.sum().compute(executor) == 70);
    });
}
