// Element-wise operations: what they give, how elements are passed, how many are alive.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::Executor;
using satchel::from_sequence;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::on_each_executor;
using satchel::testing::Random;
using satchel::testing::text_of;

namespace {

const SynchronousExecutor synchronous;

std::string word(std::int64_t k) {
    return "a word that is too long for itself: " + std::to_string(k);
}

struct Person {
    std::string name;
    int age = 0;
    [[nodiscard]] int double_age() const { return 2 * age; }
};

}  // namespace

TEST_CASE("map, filter and flatten give what loops give, for any division") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t n : {0, 1, 5, 1'023, 1'024, 1'025, 5'000}) {
            for (const std::int64_t npartitions : {1, 3, 16}) {
                CAPTURE(n);
                CAPTURE(npartitions);
                std::vector<std::string> expected;
                for (std::int64_t k = 0; k < n; ++k) {
                    if (k % 3 == 0) continue;
                    for (std::int64_t copy = 0; copy < k % 4; ++copy) {
                        const auto text = word(k + copy);
                        if (text.back() != '7') expected.push_back(text + "!");
                    }
                }
                CHECK(range(n, npartitions)
                          .filter([](std::int64_t k) { return k % 3 != 0; })
                          .map([](std::int64_t k) {
                              std::vector<std::int64_t> copies;
                              for (std::int64_t c = 0; c < k % 4; ++c) copies.push_back(k + c);
                              return copies;
                          })
                          .flatten()
                          .map([](std::int64_t k) { return word(k); })
                          .filter([](const std::string& text) { return text.back() != '7'; })
                          .map([](std::string text) { return std::move(text) + "!"; })
                          .compute(executor) == expected);
            }
        }
    });
}

TEST_CASE("what can be called can be mapped and filtered by") {
    const auto people =
        from_sequence(std::vector<Person>{{"Ada", 36}, {"Alan", 41}}, {.npartitions = 1});
    CHECK(people.map(&Person::age).compute(synchronous) == std::vector{36, 41});
    CHECK(people.map(&Person::name).compute(synchronous) ==
          std::vector<std::string>{"Ada", "Alan"});
    CHECK(people.map(&Person::double_age).compute(synchronous) == std::vector{72, 82});
    const std::function<bool(const Person&)> old = [](const Person& p) { return p.age > 40; };
    CHECK(people.filter(old).map(&Person::name).compute(synchronous) ==
          std::vector<std::string>{"Alan"});
    CHECK(range(3, 1).map(std::negate<>{}).compute(synchronous) ==
          std::vector<std::int64_t>{0, -1, -2});
    CHECK(
        range(3, 1).map([](auto x) { return static_cast<double>(x) + 0.5; }).compute(synchronous) ==
        std::vector{0.5, 1.5, 2.5});
    CHECK(range(3, 1).map([](const auto& x) { return x > 1; }).compute(synchronous) ==
          std::vector<bool>{false, false, true});
    CHECK(range(3, 1).map([](int x) { return x; }).compute(synchronous) == std::vector{0, 1, 2});
    CHECK(range(4, 1).filter([](std::int64_t x) { return x & 1; }).compute(synchronous) ==
          std::vector<std::int64_t>{1, 3});
}

TEST_CASE("a result that is a reference becomes a value") {
    static const std::string texts[] = {"zero", "one"};
    const auto bag = range(2, 1).map([](std::int64_t k) -> const std::string& { return texts[k]; });
    static_assert(std::is_same_v<decltype(bag)::value_type, std::string>);
    CHECK(bag.compute(synchronous) == std::vector<std::string>{"zero", "one"});
}

TEST_CASE("elements may be of types that cannot be assigned, default-made or compared") {
    struct Fixed {
        const int number;
    };
    struct Late {
        explicit Late(int n) : text(std::to_string(n)) {}
        Late(const Late&) = default;
        Late& operator=(const Late&) = delete;
        std::string text;
    };
    const auto fixed = range(2'000, 2)
                           .map([](std::int64_t k) { return Fixed{static_cast<int>(k)}; })
                           .filter([](const Fixed& x) { return x.number % 2 == 0; })
                           .map([](Fixed x) { return Fixed{x.number + 1}; });
    CHECK(fixed.map(&Fixed::number).compute(synchronous)[999] == 1'999);
    const auto late = range(2'000, 2)
                          .map([](std::int64_t k) { return Late(static_cast<int>(k)); })
                          .filter([](const Late& x) { return x.text.size() == 1; });
    CHECK(late.map(&Late::text).compute(synchronous).back() == "9");
    CHECK(late.compute(synchronous).size() == 10);
    const auto pairs = range(100, 2)
                           .map([](std::int64_t k) {
                               return std::map<std::int64_t, int>{{k, 1}};
                           })
                           .flatten()
                           .filter([](const auto& pair) { return pair.first > 97; });
    CHECK(pairs.map([](const auto& pair) { return pair.first; }).compute(synchronous) ==
          std::vector<std::int64_t>{98, 99});
    CHECK(pairs.compute(synchronous).size() == 2);
}

TEST_CASE("flatten goes one level down, through any range") {
    using Nested = std::vector<std::vector<int>>;
    const auto nested = from_sequence(std::vector<Nested>{{{1}, {2, 3}}, {}, {{}, {4}}});
    CHECK(nested.flatten().compute(synchronous) == Nested{{1}, {2, 3}, {}, {4}});
    CHECK(nested.flatten().flatten().compute(synchronous) == std::vector{1, 2, 3, 4});
    CHECK(from_sequence({"ab", "", "c"}).flatten().compute(synchronous) ==
          std::vector{'a', 'b', 'c'});
    CHECK(from_sequence({std::list<int>{1, 2}, std::list<int>{}}).flatten().compute(synchronous) ==
          std::vector{1, 2});
    CHECK(from_sequence({std::set<std::string>{"b", "a"}}).flatten().compute(synchronous) ==
          std::vector<std::string>{"a", "b"});
    CHECK(from_sequence({std::vector<bool>{true, false}}).flatten().compute(synchronous) ==
          std::vector<bool>{true, false});
    CHECK(range(3, 2)
              .map([](std::int64_t k) { return std::vector<bool>(static_cast<std::size_t>(k)); })
              .flatten()
              .compute(synchronous)
              .size() == 3);
}

TEST_CASE("flatten of ranges larger than a batch, among empty ones") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(50, 4)
                             .map([](std::int64_t k) {
                                 return std::vector<std::int64_t>(
                                     static_cast<std::size_t>(k % 5 == 0 ? 3'000 : 0), k);
                             })
                             .flatten();
        const auto result = bag.compute(executor);
        REQUIRE(result.size() == 30'000);
        for (std::size_t k = 0; k < result.size(); ++k) {
            REQUIRE(result[k] == static_cast<std::int64_t>(k / 3'000 * 5));
        }
    });
}

TEST_CASE("map_partitions: a range that it returns is the partition, anything else one element") {
    const auto bag = range(10, 3);  // 4, 3, 3
    CHECK(bag.map_partitions([](std::vector<std::int64_t> p) { return p.size(); })
              .compute(synchronous) == std::vector<std::size_t>{4, 3, 3});
    CHECK(bag.map_partitions([](std::span<const std::int64_t> p) { return p.front(); })
              .compute(synchronous) == std::vector<std::int64_t>{0, 4, 7});
    CHECK(bag.map_partitions([](std::vector<std::int64_t> p) {
                 return std::list<std::int64_t>{p.back(), p.front()};
             })
              .compute(synchronous) == std::vector<std::int64_t>{3, 0, 6, 4, 9, 7});
    CHECK(bag.map_partitions(
                 [](const std::vector<std::int64_t>& p) { return std::to_string(p.size()); })
              .compute(synchronous) == std::vector<std::string>{"4", "3", "3"});
    CHECK(bag.map_partitions([](const auto&) { return std::filesystem::path("a/b"); })
              .compute(synchronous)
              .size() == 3);
    CHECK(bag.map_partitions([](const auto&) { return satchel::Bytes(); })
              .compute(synchronous)
              .size() == 3);
    CHECK(bag.map_partitions([](const auto&) { return std::vector<std::string>{}; })
              .compute(synchronous)
              .empty());
    CHECK(bag.map_partitions([](const auto& p) { return std::vector<bool>(p.size(), true); })
              .compute(synchronous) == std::vector<bool>(10, true));
    CHECK(bag.map_partitions([](std::vector<std::int64_t> p) { return p; }).npartitions() == 3);
}

TEST_CASE("map_partitions copies what its function keeps") {
    const std::list<std::string> words(2, std::string(100, 'x'));
    const auto kept = std::make_shared<std::list<std::string>>(words);
    const auto give = [kept](std::span<const std::int64_t>) -> std::list<std::string>& {
        return *kept;
    };
    const auto bag = satchel::range(4, 2).map_partitions(give);
    CHECK(bag.compute() == std::vector<std::string>(4, words.front()));
    CHECK(*kept == words);
}

TEST_CASE("map_partitions is called for empty partitions too, once each") {
    std::atomic<int> calls{0};
    const auto bag = range(2, 5).map_partitions([&](std::span<const std::int64_t> p) {
        ++calls;
        return p.size();
    });
    CHECK(bag.compute(synchronous) == std::vector<std::size_t>{1, 1, 0, 0, 0});
    CHECK(calls.load() == 5);
}

TEST_CASE("nothing runs before it is asked for") {
    std::atomic<int> calls{0};
    const auto count = [&](auto x) {
        ++calls;
        return x;
    };
    const auto bag = range(10, 2).map(count).filter(count).map(count);
    const auto sum = bag.sum();
    const auto partitions = bag.to_delayed();
    CHECK(bag.npartitions() == 2);
    CHECK_FALSE(bag.name().empty());
    CHECK(calls.load() == 0);
    (void)bag.compute(synchronous);
    CHECK(calls.load() == 10 + 10 + 9);  // 0 does not pass the filter
}

TEST_CASE("every element is seen once by every stage") {
    on_each_executor([](const Executor& executor) {
        std::vector<std::atomic<int>> seen(5'000);
        const auto see = [&](std::int64_t x) {
            ++seen[static_cast<std::size_t>(x)];
            return x;
        };
        (void)range(5'000, 7).map(see).compute(executor);
        for (const auto& times : seen) REQUIRE(times == 1);
    });
}

TEST_CASE("elements made inside a chain are passed on as rvalues") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto made = range(3'000, 3).map(
            [&](std::int64_t k) { return Counted(census, static_cast<int>(k)); });
        const auto numbers = made.map([](Counted x) { return x; })
                                 .filter([](const Counted& x) { return x.number % 2 == 0; })
                                 .map([](Counted&& x) { return Counted(std::move(x)); })
                                 .map([](Counted x) {
                                     std::vector<Counted> both;
                                     both.push_back(x);
                                     both.push_back(std::move(x));
                                     return both;
                                 })
                                 .flatten()
                                 .map([](Counted x) { return x.number; })
                                 .compute(executor);
        CHECK(numbers.size() == 3'000);
        CHECK(numbers[2'999] == 2'998);
        CHECK(census.copies.load() == 1'500);  // the one that the function makes
        CHECK(census.alive.load() == 0);
        census.copies = 0;
        CHECK(made.compute(executor).size() == 3'000);
        CHECK(census.copies.load() == 0);
    });
}

TEST_CASE("elements of a sequence are passed as const T&, or copied for who takes them") {
    on_each_executor([](const Executor& executor) {
        Census census;
        std::vector<Counted> elements;
        for (int k = 0; k < 100; ++k) elements.emplace_back(census, k);
        const auto bag = from_sequence(std::move(elements), {.npartitions = 3});
        census.copies = 0;
        const auto look = [](const Counted& x) { return x.number; };
        const auto every_tenth = [](const Counted& x) { return x.number % 10 == 0; };
        CHECK(bag.map(look).compute(executor)[99] == 99);
        CHECK(bag.filter(every_tenth).map(look).compute(executor).size() == 10);
        CHECK(bag.map_partitions([](std::span<const Counted> p) { return p.size(); })
                  .compute(executor)
                  .size() == 3);
        CHECK(bag.count().compute(executor) == 100);
        const auto copies_of_partitions = census.copies.load();
        CHECK(copies_of_partitions <= 100);  // map_partitions may need its partition in one piece

        census.copies = 0;
        CHECK(bag.map([](Counted x) { return x.number; }).compute(executor)[99] == 99);
        CHECK(census.copies.load() == 100);
        census.copies = 0;
        CHECK(bag.map([](Counted&& x) { return Counted(std::move(x)).number; })
                  .compute(executor)[99] == 99);
        CHECK(census.copies.load() == 100);
        census.copies = 0;
        CHECK(bag.filter(every_tenth).compute(executor).size() == 10);
        CHECK(census.copies.load() == 10);
        CHECK(bag.map(look).compute(executor)[5] == 5);  // nothing was moved away
    });
}

TEST_CASE("a function with overloads for both gets what fits") {
    struct Both {
        int operator()(const Counted&) const { return 1; }
        int operator()(Counted&&) const { return 2; }
    };
    Census census;
    std::vector<Counted> elements;
    for (int k = 0; k < 10; ++k) elements.emplace_back(census, k);
    const auto stored = from_sequence(elements, {.npartitions = 2});
    const auto made = stored.map([&](const Counted& x) { return Counted(census, x.number); });
    CHECK(stored.map(Both{}).compute(synchronous) == std::vector<int>(10, 1));
    CHECK(made.map(Both{}).compute(synchronous) == std::vector<int>(10, 2));
    CHECK(made.persist(synchronous).map(Both{}).compute(synchronous) == std::vector<int>(10, 1));
}

TEST_CASE("computing an rvalue moves elements that nobody else can see") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto some = [&] {
            std::vector<Counted> elements;
            elements.reserve(100);
            for (int k = 0; k < 100; ++k) elements.emplace_back(census, k);
            return elements;
        };
        const auto pass = [](Counted x) { return x; };
        CHECK(from_sequence(some(), {.npartitions = 3}).compute(executor)[99].number == 99);
        CHECK(from_sequence(some(), {.npartitions = 3})
                  .map(pass)
                  .map(pass)
                  .compute(executor)[99]
                  .number == 99);
        CHECK(census.copies.load() == 0);

        auto bag = from_sequence(some(), {.npartitions = 3});
        const auto other = bag;
        CHECK(std::move(bag).compute(executor)[99].number == 99);
        CHECK(census.copies.load() == 100);
        CHECK(other.compute(executor)[0].number == 0);

        census.copies = 0;
        auto source = from_sequence(some(), {.npartitions = 3});
        const auto mapped = source.map(pass);
        CHECK(std::move(source).map(pass).compute(executor)[99].number == 99);
        CHECK(census.copies.load() == 100);
        CHECK(mapped.compute(executor)[0].number == 0);
    });
}

TEST_CASE("pluck moves a part out of what nobody else can see, and else copies it") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto made =
            range(300, 3).map([&](std::int64_t k) { return Counted(census, static_cast<int>(k)); });
        const auto number = [](const Counted& x) { return x.number; };
        const auto zipped = satchel::zip(range(300, 3), made);
        CHECK(zipped.pluck<1>().map(number).compute(executor)[299] == 299);
        CHECK(zipped.pluck<1>().compute(executor)[299].number == 299);
        const auto pairs = made.map([](Counted x) { return std::pair(std::move(x), 1); });
        CHECK(pairs.pluck<0>().compute(executor)[299].number == 299);
        CHECK(census.copies.load() == 0);

        const auto kept = pairs.persist(executor);
        census.copies = 0;
        CHECK(kept.pluck<0>().compute(executor)[299].number == 299);
        CHECK(census.copies.load() == 300);
        CHECK(kept.pluck<0>().map(number).compute(executor)[299] == 299);  // nothing was moved away
        CHECK(pairs.pluck<0>().name() == pairs.pluck<0>().name());
        CHECK(pairs.pluck<0>().name() != pairs.pluck<1>().name());
    });
}

TEST_CASE("pluck takes parts that can only be moved") {
    on_each_executor([](const Executor& executor) {
        const auto pointers =
            range(10, 2)
                .map([](std::int64_t k) { return std::pair(std::make_unique<std::int64_t>(k), k); })
                .pluck<0>();
        CHECK(*pointers.compute(executor)[9] == 9);
    });
}

TEST_CASE("accumulate copies each element of its result once, and no other") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto made =
            range(100, 4).map([&](std::int64_t k) { return Counted(census, static_cast<int>(k)); });
        const auto by_value = [](Counted sum, Counted x) {
            sum.number += x.number;
            return sum;
        };
        const auto by_reference = [](Counted sum, const Counted& x) {
            sum.number += x.number;
            return sum;
        };
        // One more for each partition that goes on where another has stopped.
        CHECK(made.accumulate(by_value).compute(executor)[99].number == 4'950);
        CHECK(census.copies.load() == 103);
        census.copies = 0;
        CHECK(made.accumulate(by_reference).compute(executor)[99].number == 4'950);
        CHECK(census.copies.load() == 103);

        const auto kept = made.persist(executor);
        census.copies = 0;
        CHECK(kept.accumulate(by_reference).compute(executor)[99].number == 4'950);
        CHECK(census.copies.load() == 203);  // and each one that is kept, to be accumulated
        census.copies = 0;
        CHECK(kept.accumulate(by_value).compute(executor)[99].number == 4'950);
        CHECK(census.copies.load() == 203);
        CHECK(kept.compute(executor)[99].number == 99);  // nothing was moved away
    });
}

TEST_CASE("an element's move does not show in a second use of the same bag") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto made = range(2'000, 4).map(
            [&](std::int64_t k) { return Counted(census, static_cast<int>(k)); });
        const auto take_away = made.map([](Counted x) { return x.number; });
        const auto take_again =
            made.filter([](const Counted&) { return true; }).map([](Counted&& x) {
                return Counted(std::move(x)).number;
            });
        const auto [a, b, c] = satchel::compute(executor, take_away, take_again, made);
        for (int k = 0; k < 2'000; ++k) {
            const auto at = static_cast<std::size_t>(k);
            REQUIRE(a[at] == k);
            REQUIRE(b[at] == k);
            REQUIRE(c[at].number == k);
        }
    });
    // The copies that were left died with the results.
}

TEST_CASE("a chain keeps few elements alive") {
    on_each_executor([](const Executor& executor) {
        Census census;
        (void)range(20'000, 1)
            .map([&](std::int64_t k) { return Counted(census, static_cast<int>(k)); })
            .map([&](const Counted& x) { return Counted(census, x.number + 1); })
            .filter([](const Counted& x) { return x.number % 2 == 0; })
            .map([](Counted x) { return x.number; })
            .sum()
            .compute(executor);
        CHECK(census.peak.load() <= 200);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("of elements of a megabyte only a few are alive") {
    std::atomic<int> alive{0};
    std::atomic<int> peak{0};
    const auto total = range(50, 1)
                           .map([&](std::int64_t k) {
                               peak = std::max<int>(peak, ++alive);
                               return std::string(1'000'000, static_cast<char>('a' + k % 26));
                           })
                           .filter([](const std::string& text) { return text.size() > 1; })
                           .map([](std::string text) { return text + "!"; })
                           .map([&](std::string text) {
                               --alive;
                               return text.size();
                           })
                           .sum()
                           .compute(synchronous);
    CHECK(total == 50 * 1'000'001);
    CHECK(peak <= 2);
}

TEST_CASE("flatten of large ranges of large elements keeps few alive") {
    std::atomic<int> peak{0};
    std::atomic<int> alive{0};
    const auto count = range(4, 1)
                           .map([](std::int64_t) { return std::vector<int>(50); })
                           .flatten()
                           .map([&](int) {
                               peak = std::max<int>(peak, ++alive);
                               return std::string(500'000, 'x');
                           })
                           .map([&](const std::string& text) {
                               --alive;
                               return text.size();
                           })
                           .count()
                           .compute(synchronous);
    CHECK(count == 200);
    CHECK(peak <= 2);
}

TEST_CASE("a function is copied for each partition, and its state lasts for one") {
    on_each_executor([](const Executor& executor) {
        const auto numbered = range(3'000, 3).map([n = 0](std::int64_t) mutable { return n++; });
        const auto result = numbered.compute(executor);
        for (std::size_t k = 0; k < 3'000; ++k) {
            REQUIRE(result[k] == static_cast<int>(k % 1'000));
        }
        CHECK(numbered.compute(executor) == result);
        const auto every_second =
            range(10, 2).filter([n = 0](std::int64_t) mutable { return n++ % 2 == 0; });
        CHECK(every_second.compute(executor) == std::vector<std::int64_t>{0, 2, 4, 5, 7, 9});
    });
}

TEST_CASE("a function whose last parameter is a stop token gets the run's") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        const auto bag = range(10, 2).map([&](std::int64_t x, std::stop_token token) {
            source.request_stop();
            while (!token.stop_requested()) {
            }
            return x;
        });
        CHECK_THROWS_AS((void)bag.compute(executor, {source.get_token()}), satchel::Cancelled);
        const auto free =
            range(10, 2)
                .filter([](std::int64_t, std::stop_token token) { return !token.stop_requested(); })
                .map_partitions([](std::vector<std::int64_t> p, std::stop_token) { return p; });
        CHECK(free.compute(executor).size() == 10);
    });
}

TEST_CASE("a partition of bool may be given back by reference") {
    const auto bag = from_sequence(std::vector<bool>(300, true), {.npartitions = 1});
    const auto same = bag.map_partitions(
        [](const std::vector<bool>& partition) -> const auto& { return partition; });
    CHECK(same.compute() == std::vector<bool>(300, true));
}

TEST_CASE("any looks little further than to the element that decides") {
    std::atomic<int> calls = 0;
    const auto counted = [&](std::int64_t) {
        ++calls;
        return true;
    };
    CHECK(range(1000, 1).map(counted).any().compute(SynchronousExecutor{}));
    CHECK(calls < 10);
    calls = 0;
    CHECK(from_sequence(std::vector<std::string>(1000, "x"), {.npartitions = 1})
              .map([&](const std::string&) { return counted(0); })
              .any()
              .compute(SynchronousExecutor{}));
    CHECK(calls < 10);
}

TEST_CASE("elements of any type at all are taken") {
    const auto bag = from_sequence(std::vector<std::any>{1, 2, 3, 4}, {.npartitions = 1});
    CHECK(bag.take(4).size() == 4);
    CHECK(std::any_cast<int>(bag.take(2)[1]) == 2);
}

TEST_CASE("a range that is given away keeps what it does not own") {
    struct Slice {
        std::string* first;
        std::string* last;
        [[nodiscard]] std::string* begin() const { return first; }
        [[nodiscard]] std::string* end() const { return last; }
    };
    std::vector<std::string> texts{"one", "two"};
    CHECK(from_sequence(Slice{texts.data(), texts.data() + 2}).compute() == texts);
    CHECK(texts == std::vector<std::string>{"one", "two"});
    CHECK(from_sequence(u8"abc").count().compute() == 3);
}

TEST_CASE("large elements take the room that they need") {
    struct Page {
        std::array<char, 1 << 20> bytes;
    };
    const auto pages = range(4, 1).map([](std::int64_t x) {
        Page page{};
        page.bytes[0] = static_cast<char>(x);
        return page;
    });
    CHECK(pages.map([](const Page& page) { return page.bytes[0]; }).sum().compute() == 6);
    CHECK(pages.take(3).size() == 3);
}

TEST_CASE("bags of bool are bags like others") {
    on_each_executor([](const Executor& executor) {
        const std::vector<bool> values{true, false, true, true, false};
        const auto bag = from_sequence(values, {.npartitions = 2});
        CHECK(bag.compute(executor) == values);
        CHECK(from_sequence(std::vector<bool>(values), {.npartitions = 1}).compute(executor) ==
              values);
        CHECK(bag.map([](bool x) { return !x; }).compute(executor) ==
              std::vector<bool>{false, true, false, false, true});
        CHECK(bag.filter([](bool x) { return x; }).compute(executor) ==
              std::vector<bool>{true, true, true});
        CHECK(bag.map([](bool x) { return x ? 2 : 1; }).compute(executor) ==
              std::vector{2, 1, 2, 2, 1});
        CHECK(bag.map_partitions([](std::vector<bool> p) { return p; }).compute(executor) ==
              values);
        CHECK(bag.map_partitions([](std::span<const bool> p) { return p.size(); })
                  .compute(executor) == std::vector<std::size_t>{3, 2});
        CHECK(bag.persist(executor).compute(executor) == values);
        CHECK(bag.take(4, {.npartitions = 2}, executor) ==
              std::vector<bool>{true, false, true, true});
        CHECK(bag.sum().compute(executor) == 3);
        CHECK(bag.fold([](bool a, bool b) { return a != b; }).compute(executor));
        std::vector<bool> all;
        bag.for_each_partition(
            [&](const std::vector<bool>& p) { all.insert(all.end(), p.begin(), p.end()); },
            {.executor = executor});
        CHECK(all == values);
        CHECK(bag.to_delayed()[1].compute(executor) == std::vector<bool>{true, false});
    });
}

TEST_CASE("move-only elements pass through every operation that does not need two of them") {
    on_each_executor([](const Executor& executor) {
        using Owner = std::unique_ptr<std::int64_t>;
        const auto made =
            range(3'000, 3).map([](std::int64_t k) { return std::make_unique<std::int64_t>(k); });
        const auto look = [](const Owner& x) { return *x; };
        CHECK(made.map(look).compute(executor)[2'999] == 2'999);
        CHECK(*made.compute(executor)[2'999] == 2'999);
        CHECK(made.map([](Owner x) { return x; })
                  .filter([](const Owner& x) { return *x % 2 == 1; })
                  .map([](Owner&& x) { return *x; })
                  .compute(executor)[1'499] == 2'999);
        CHECK(made.map_partitions([](std::vector<Owner> p) { return *p.front(); })
                  .compute(executor) == std::vector<std::int64_t>{0, 1'000, 2'000});
        CHECK(*made.take(2, {}, executor)[1] == 1);
        CHECK(made.count().compute(executor) == 3'000);
        CHECK(made.persist(executor).map(look).compute(executor)[2'999] == 2'999);
        std::int64_t sum = 0;
        made.for_each_partition(
            [&](std::vector<Owner> p) {
                for (const auto& x : p) sum += *x;
            },
            {.executor = executor});
        CHECK(sum == 2'999 * 1'500);
        const auto nested = range(100, 2).map([](std::int64_t k) {
            std::vector<Owner> pair;
            pair.push_back(std::make_unique<std::int64_t>(k));
            pair.push_back(std::make_unique<std::int64_t>(-k));
            return pair;
        });
        CHECK(nested.flatten().map(look).compute(executor)[199] == -99);
        CHECK(*nested.flatten().compute(executor)[199] == -99);
    });
}

TEST_CASE("move-only elements that are kept can be looked at, and given up with their bag") {
    using Owner = std::unique_ptr<int>;
    const auto some = [] {
        std::vector<Owner> owners;
        for (int k = 0; k < 10; ++k) owners.push_back(std::make_unique<int>(k));
        return owners;
    };
    on_each_executor([&](const Executor& executor) {
        const auto bag = from_sequence(some(), {.npartitions = 2});
        CHECK(bag.map([](const Owner& x) { return *x; }).compute(executor)[9] == 9);
        CHECK(bag.filter([](const Owner& x) { return *x > 7; })
                  .map([](const Owner& x) { return *x; })
                  .compute(executor) == std::vector{8, 9});
        CHECK(*from_sequence(some(), {.npartitions = 2}).compute(executor)[9] == 9);
        CHECK(*from_sequence(some(), {.npartitions = 2})
                   .map([](Owner x) { return x; })
                   .compute(executor)[9] == 9);
    });
}

TEST_CASE("a copy of a move-only element is refused before anything runs, naming the operation") {
    using Owner = std::unique_ptr<int>;
    std::vector<Owner> owners;
    owners.push_back(std::make_unique<int>(1));
    const auto bag = from_sequence(std::move(owners));
    std::atomic<int> calls{0};
    const auto take_away = bag.map([&](Owner x) {
        ++calls;
        return *x;
    });
    const auto refusal = [&](const auto& lazy) {
        return text_of<satchel::InvalidArgument>([&] { (void)lazy.compute(synchronous); });
    };
    CHECK(refusal(take_away).find("map: ") == 0);
    CHECK(refusal(bag).find("from_sequence: ") == 0);
    CHECK(refusal(bag.filter([](const Owner&) { return true; })).find("filter: ") == 0);
    CHECK(refusal(bag.map_partitions([](std::vector<Owner> p) {
              return p.size();
          })).find("map_partitions: ") == 0);
    CHECK(text_of<satchel::InvalidArgument>([&] {
              (void)bag.take(1, {}, synchronous);
          }).find("move-only") != std::string::npos);
    CHECK(text_of<satchel::InvalidArgument>([&] {
              bag.for_each_partition([](const std::vector<Owner>&) {}, {.executor = synchronous});
          }).find("move-only") != std::string::npos);
    CHECK(calls.load() == 0);
}

TEST_CASE("exceptions of every stage come back as themselves, on every executor") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(5'000, 5);
        const auto thrown_by = [&](const auto& lazy) {
            return text_of<std::out_of_range>([&] { (void)lazy.compute(executor); });
        };
        const auto at = [](std::int64_t where, const char* what) {
            return [=](std::int64_t x) {
                if (x == where) throw std::out_of_range(what);
                return x;
            };
        };
        CHECK(thrown_by(bag.map(at(3'333, "map"))) == "map");
        CHECK(thrown_by(bag.filter(at(4'999, "filter"))) == "filter");
        CHECK(thrown_by(
                  bag.map([](std::int64_t x) { return word(x); }).filter([](const std::string& x) {
                      if (x.ends_with(" 77")) throw std::out_of_range("text");
                      return true;
                  })) == "text");
        CHECK(thrown_by(bag.map_partitions([](std::vector<std::int64_t> p) {
                  if (p.front() == 2'000) throw std::out_of_range("partition");
                  return p;
              })) == "partition");
        CHECK(thrown_by(bag.map(at(1, "before")).map(word).count()) == "before");
        CHECK_THROWS_AS((void)bag.map([](std::int64_t) -> int { throw 'c'; }).compute(executor),
                        satchel::TaskError);
    });
}

TEST_CASE("what a failed stage had made is destroyed") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto bag =
            range(5'000, 5)
                .map([&](std::int64_t k) { return Counted(census, static_cast<int>(k)); })
                .map([](Counted x) {
                    if (x.number == 2'500) throw std::runtime_error("here");
                    return x;
                });
        CHECK_THROWS_AS((void)bag.compute(executor), std::runtime_error);
        CHECK_THROWS_AS((void)bag.persist(executor), std::runtime_error);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("a bag inside a bag's function") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(20, 4).map([](std::int64_t n) {
            return range(n, 3).map([](std::int64_t x) { return x * x; }).sum().compute();
        });
        CHECK(bag.compute(executor)[19] == 18 * 19 * 37 / 6);
    });
}

TEST_CASE("one bag may be computed by several threads at once") {
    const satchel::ThreadPoolExecutor pool(2);
    const auto bag = range(10'000, 8).map([](std::int64_t x) { return 2 * x; });
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 4; ++k) {
        threads.emplace_back([&] {
            for (int n = 0; n < 50; ++n) {
                const auto copy = bag;
                if (copy.sum().compute(pool) != 9'999 * 10'000) ++wrong;
                if (bag.filter([](std::int64_t x) { return x % 3 == 0; }).count().compute(pool) !=
                    3'334) {
                    ++wrong;
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("flatten gives ranges of any length, made or kept, in order") {
    std::vector<std::vector<std::string>> words;
    std::vector<std::vector<std::int64_t>> numbers;
    std::vector<std::string> all_words;
    std::vector<std::int64_t> all_numbers;
    for (const std::size_t size :
         {0, 1, 3, 4, 5, 127, 128, 129, 0, 1'023, 1'024, 1'025, 5'000, 2}) {
        auto& some_words = words.emplace_back();
        auto& some_numbers = numbers.emplace_back();
        for (std::size_t k = 0; k < size; ++k) {
            some_words.push_back("a word of the range of " + std::to_string(size));
            some_numbers.push_back(static_cast<std::int64_t>(size * 10'000 + k));
        }
        all_words.insert(all_words.end(), some_words.begin(), some_words.end());
        all_numbers.insert(all_numbers.end(), some_numbers.begin(), some_numbers.end());
    }
    const auto is_even = [](std::int64_t x) { return x % 2 == 0; };
    std::vector<std::int64_t> even_numbers;
    std::ranges::copy_if(all_numbers, std::back_inserter(even_numbers), is_even);
    for (const std::int64_t parts : {1, 3}) {
        const auto kept_words = from_sequence(words, {.npartitions = parts});
        const auto kept_numbers = from_sequence(numbers, {.npartitions = parts});
        const auto made_words = kept_words.map([](std::vector<std::string> x) { return x; });
        const auto made_numbers = kept_numbers.map([](std::vector<std::int64_t> x) { return x; });
        CHECK(kept_words.flatten().compute(synchronous) == all_words);
        CHECK(made_words.flatten().compute(synchronous) == all_words);
        CHECK(kept_numbers.flatten().compute(synchronous) == all_numbers);
        CHECK(made_numbers.flatten().compute(synchronous) == all_numbers);
        CHECK(kept_numbers.flatten().filter(is_even).compute(synchronous) == even_numbers);
        CHECK(made_numbers.flatten().filter(is_even).compute(synchronous) == even_numbers);
        CHECK(made_words.flatten().frequencies().compute(synchronous) ==
              kept_words.flatten().frequencies().compute(synchronous));
        CHECK(kept_words.flatten().compute(synchronous) == all_words);
    }
}
