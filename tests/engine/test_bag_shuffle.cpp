// Tests of groupby, join and product, beside plain loops that do the same.
#include <satchel/bag.hpp>
#include <satchel/error.hpp>

#include "base/spill.hpp"
#include "engine/support.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel;
using namespace satchel::testing;

namespace shuffled {

struct Person {
    std::string name, city;
    int age = 0;
    friend bool operator==(const Person&, const Person&) = default;
};

enum class Color : std::uint8_t { red, green };

// A key of the user's own, whose hash has few bits that differ.
class Celsius {
  public:
    Celsius() = default;
    explicit Celsius(int degrees) : degrees_(degrees) {}
    [[nodiscard]] int degrees() const { return degrees_; }
    friend bool operator==(Celsius, Celsius) = default;
    friend std::uint64_t stable_hash(Celsius c) { return static_cast<std::uint64_t>(c.degrees_); }

  private:
    int degrees_ = 0;
};

struct Point {
    int x = 0, y = 0;
    friend bool operator==(Point, Point) = default;
};

struct Tree {
    int value = 0;
    std::vector<Tree> branches;
    friend bool operator==(const Tree&, const Tree&) = default;
};

const std::vector<Person> people{{"Ada", "London", 36},     {"Alan", "London", 41},
                                 {"Grace", "New York", 85}, {"Emmy", "Erlangen", 53},
                                 {"Kurt", "Vienna", 71},    {"Alonzo", "New York", 92}};

// How much a test lets stay in memory; afterwards it is what it was.
class MemoryMax {
  public:
    explicit MemoryMax(std::int64_t bytes) {
        detail::SpillSpace::of_process().set_memory_max(bytes);
    }
    MemoryMax(const MemoryMax&) = delete;
    MemoryMax& operator=(const MemoryMax&) = delete;
    ~MemoryMax() {
        detail::SpillSpace::of_process().set_memory_max(detail::SpillSpace::default_memory);
    }
};

template <class K, class T>
std::map<K, std::vector<T>> as_map(const std::vector<std::pair<K, std::vector<T>>>& groups) {
    std::map<K, std::vector<T>> map;
    for (const auto& [key, elements] : groups) {
        CHECK(!elements.empty());
        CHECK(map.emplace(key, elements).second);  // a key stands in one place
    }
    return map;
}

template <class T, class F>
auto grouped_by_loop(const std::vector<T>& elements, F key) {
    std::map<std::decay_t<std::invoke_result_t<F, const T&>>, std::vector<T>> map;
    for (const auto& x : elements) map[std::invoke(key, x)].push_back(x);
    return map;
}

template <class T, class U, class F, class G>
std::vector<std::pair<U, T>> joined_by_loop(const std::vector<T>& self, const std::vector<U>& other,
                                            F on_self, G on_other) {
    std::vector<std::pair<U, T>> pairs;
    for (const auto& x : self) {
        for (const auto& u : other) {
            if (std::invoke(on_self, x) == std::invoke(on_other, u)) pairs.emplace_back(u, x);
        }
    }
    return pairs;
}

template <class T>
std::vector<T> sorted(std::vector<T> elements) {
    std::ranges::sort(elements);
    return elements;
}

std::vector<std::int64_t> numbers(std::uint64_t seed, std::uint32_t count, std::uint32_t below) {
    Random random(seed);
    std::vector<std::int64_t> made;
    for (std::uint32_t k = 0; k < count; ++k) made.push_back(random(below));
    return made;
}

}  // namespace shuffled
using namespace shuffled;

TEST_CASE("groupby: each key once, its elements in the order of the bag") {
    on_each_executor([](const Executor& executor) {
        const auto bag = from_sequence(people, {.npartitions = 4});
        const auto groups = bag.groupby(&Person::city);
        static_assert(std::is_same_v<decltype(groups),
                                     const Bag<std::pair<std::string, std::vector<Person>>>>);
        CHECK(groups.npartitions() == 4);
        CHECK(as_map(groups.compute(executor)) == grouped_by_loop(people, &Person::city));
    });
}

TEST_CASE("groupby: Dask's cases") {
    const auto bag = range(15, 3);
    const auto is_odd = [](std::int64_t x) { return x % 2 == 1; };
    auto expected = grouped_by_loop(bag.compute(), is_odd);
    CHECK(as_map(bag.groupby(is_odd).compute()) == expected);
    // Dask's shuffle by tasks takes no notice of npartitions.
    for (const std::int64_t npartitions : {1, 2, 7, 100, 5000}) {
        CAPTURE(npartitions);
        const auto groups = bag.groupby(is_odd, {.npartitions = npartitions});
        CHECK(groups.npartitions() == npartitions);
        CHECK(as_map(groups.compute()) == expected);
    }
    const auto words = from_sequence({"Alice", "Bob", "Charlie", "Dan", "Edith", "Frank"});
    CHECK(as_map(words.groupby(&std::string::size).compute()) ==
          grouped_by_loop(words.compute(), &std::string::size));
    CHECK(from_sequence(std::vector<int>{}).groupby([](int x) { return x; }).compute().empty());
    // None as a key.
    const auto maybe = [](std::int64_t x) {
        return x % 3 == 0 ? std::nullopt : std::optional(x % 3);
    };
    CHECK(as_map(bag.groupby(maybe).compute()) == grouped_by_loop(bag.compute(), maybe));
    const auto sizes = bag.groupby(is_odd).starmap(
        [](bool, const std::vector<std::int64_t>& group) { return group.size(); });
    CHECK(sorted(sizes.compute()) == std::vector<std::size_t>{7, 8});
}

TEST_CASE("groupby: keys of all kinds") {
    const auto bag = from_sequence(numbers(1, 3000, 1000), {.npartitions = 7});
    const auto check = [&](auto key) {
        std::vector<std::pair<std::decay_t<decltype(key(1))>, std::vector<std::int64_t>>> expected;
        for (const auto x : bag.compute()) {
            const auto k = key(x);
            const auto at = std::ranges::find(expected, k, [](const auto& g) { return g.first; });
            if (at == expected.end()) {
                expected.push_back({k, {x}});
            } else {
                at->second.push_back(x);
            }
        }
        const auto groups = bag.groupby(key, {.npartitions = 5}).compute();
        CHECK(groups.size() == expected.size());
        CHECK(std::ranges::is_permutation(groups, expected));
    };
    check([](std::int64_t x) { return x % 10; });
    check([](std::int64_t x) { return static_cast<std::uint8_t>(x % 10); });
    check([](std::int64_t x) { return x % 2 == 0; });
    check([](std::int64_t x) { return static_cast<double>(x % 10) / 4; });
    check([](std::int64_t x) { return x % 2 == 0 ? 0.0 : -0.0; });  // equal
    check([](std::int64_t x) { return static_cast<Color>(x % 2); });
    check([](std::int64_t x) { return fmt::format("{:0>{}}", x % 10, x % 50); });
    check([](std::int64_t x) { return std::pair(x % 3, std::string("k")); });
    check([](std::int64_t x) { return std::tuple(x % 3, x % 2 == 0, 'c'); });
    check([](std::int64_t x) { return std::vector<int>(static_cast<std::size_t>(x % 5), 1); });
    check([](std::int64_t x) { return std::array{x % 3, x % 2}; });
    check([](std::int64_t x) { return std::set{x % 3, x % 2}; });
    check([](std::int64_t x) { return Celsius(static_cast<int>(x % 60)); });
    check([](std::int64_t x) { return Point{static_cast<int>(x % 3), static_cast<int>(x % 7)}; });
    check([](std::int64_t x) {
        return std::pair(std::optional(Point{static_cast<int>(x % 3), 0}), Celsius(1));
    });
}

TEST_CASE("groupby: long keys, of which few are looked up at a time, between short ones") {
    const auto key = [](std::int64_t x) {
        return std::string(x % 5 == 0 ? 100'000 : 3, static_cast<char>('a' + x % 7));
    };
    std::map<std::string, std::vector<std::int64_t>> expected;
    for (std::int64_t x = 0; x < 300; ++x) expected[key(x)].push_back(x);
    on_each_executor([&](const Executor& executor) {
        const auto groups = range(300, 3).groupby(key).compute(executor);
        CHECK(std::map(groups.begin(), groups.end()) == expected);
    });
}

TEST_CASE("keys that a function gives away") {
    const auto key = [](std::int64_t x) -> std::string&& {
        thread_local std::string text;
        text = std::to_string(x % 7);
        return std::move(text);
    };
    const auto bag = range(100, 3);
    on_each_executor([&](const Executor& executor) {
        CHECK(bag.groupby(key).count().compute(executor) == 7);
        CHECK(bag.distinct(key).compute(executor) == range(7, 1).compute());
        const auto itself = [](const std::string& x) { return x; };
        CHECK(bag.join(std::vector<std::string>{"3", "5"}, key, itself).count().compute(executor) ==
              28);
    });
}

TEST_CASE("groupby: elements that do not travel stay objects, and are moved") {
    on_each_executor([](const Executor& executor) {
        const auto owners = range(100, 7).map([](std::int64_t x) {
            return std::make_unique<std::pair<std::int64_t, const void*>>(x, nullptr);
        });
        const auto groups =
            owners.groupby([](const auto& owner) { return owner->first % 3; }, {.npartitions = 4})
                .map([](const auto& group) {
                    std::vector<std::int64_t> elements;
                    for (const auto& owner : group.second) elements.push_back(owner->first);
                    return std::pair(group.first, elements);
                });
        const auto mod3 = [](std::int64_t x) { return x % 3; };
        CHECK(as_map(groups.compute(executor)) == grouped_by_loop(range(100, 1).compute(), mod3));
    });
    Census census;
    {
        std::vector<Counted> elements;
        for (int k = 0; k < 50; ++k) elements.emplace_back(census, k);
        const auto bag = from_sequence(std::move(elements), {.npartitions = 3});
        const auto sizes =
            bag.groupby([](const Counted& c) { return c.number % 4; }).map([](const auto& group) {
                return group.second.size();
            });
        census.copies = 0;
        CHECK(sorted(sizes.compute()) == std::vector<std::size_t>{12, 12, 13, 13});
        CHECK(census.copies == 50);  // out of the sequence, which stays
    }
    CHECK(census.alive == 0);
}

TEST_CASE("groupby: a bool is an element like others") {
    const auto bag = range(100, 3).map([](std::int64_t x) { return x % 3 == 0; });
    const auto groups = bag.groupby([](bool x) { return x; }, {.npartitions = 2}).compute();
    const auto map = as_map(groups);
    CHECK(map.at(true).size() == 34);
    CHECK(map.at(false) == std::vector<bool>(66, false));
}

TEST_CASE("joins that differ have different names") {
    const auto bag = range(10, 2);
    const auto itself = [](std::int64_t x) { return x; };
    std::set<std::string> names;
    for (const std::int64_t npartitions : {1, 2, 3}) {
        names.insert(bag.join(bag, itself, {.npartitions = npartitions}).name());
    }
    for (const auto side : {Side::left, Side::right}) {
        names.insert(bag.join(bag, itself, {.broadcast = side}).name());
    }
    CHECK(names.size() == 5);
}

TEST_CASE("groupby: the same bag has the same name, and partitions do not depend on the run") {
    const auto bag = range(1000, 8);
    const auto by = [](std::int64_t x) { return x % 37; };
    CHECK(bag.groupby(by).name() != bag.groupby(by, {.npartitions = 3}).name());
    const auto groups = bag.groupby(by);
    const auto expected = groups.compute(SynchronousExecutor{});
    on_each_executor(
        [&](const Executor& executor) { CHECK(groups.compute(executor) == expected); });
    // What the algorithm in docs/bag.md gives: this must not change with a build.
    CHECK(stable_hash(std::int64_t{1}) == stable_hash(1));
    CHECK(stable_hash(1) == 0x38F9'4C43'9AC3'6242U);
    CHECK(stable_hash(std::variant<std::monostate, int>(1)) == detail::hash_mix(9, stable_hash(1)));
    CHECK(stable_hash(std::string("satchel")) == 0xDFED'6387'9F73'B6BAU);
    CHECK(stable_hash(Point{1, 2}) == stable_hash(std::tuple(1, 2)));
}

TEST_CASE("keys that are trees, variants, or hold nothing") {
    using Key = std::variant<std::monostate, int, std::string>;
    const std::vector<Tree> trees{{1, {{2, {}}}}, {1, {{2, {}}}}, {1, {{3, {}}, {2, {}}}}};
    const std::vector<Key> keys{Key(), Key(0), Key(), Key(std::string("0")), Key(0)};
    on_each_executor([&](const Executor& executor) {
        const auto bag = from_sequence(trees, {.npartitions = 2});
        CHECK(bag.distinct().count().compute(executor) == 2);
        CHECK(bag.groupby([](const Tree& tree) { return tree; }).count().compute(executor) == 2);
        const auto groups =
            from_sequence(keys, {.npartitions = 2}).groupby([](const Key& key) { return key; });
        CHECK(groups.count().compute(executor) == 3);
    });
}

TEST_CASE("groupby: a key with nearly all elements") {
    const auto key = [](std::int64_t x) { return x % 10 == 0 ? x : -1; };
    const auto bag = range(200'000, 16);
    const auto expected = grouped_by_loop(bag.compute(), key);
    for (const std::int64_t memory : {std::int64_t{0}, detail::SpillSpace::default_memory}) {
        const MemoryMax memory_max(memory);
        CHECK(as_map(bag.groupby(key).compute()) == expected);
    }
}

TEST_CASE("pieces in temporary files give the same") {
    const auto bag = from_sequence(numbers(2, 50'000, 5000), {.npartitions = 9});
    const auto text = bag.map([](std::int64_t x) { return std::string(1 + x % 90, 'x'); });
    const auto groups = text.groupby(&std::string::size, {.npartitions = 11});
    const auto expected = groups.compute();
    const auto joined = text.join(text, &std::string::size, {.npartitions = 3}).take(1000);
    const MemoryMax memory_max(0);
    on_each_executor([&](const Executor& executor) {
        CHECK(groups.compute(executor) == expected);
        CHECK(text.join(text, &std::string::size, {.npartitions = 3}).take(1000, {}, executor) ==
              joined);
    });
}

TEST_CASE("groupby: partitions of several runs") {
    const auto bag = range(3'000'000, 2);  // more records than a run takes
    const auto counts =
        bag.groupby([](std::int64_t x) { return x % 1000; }).map([](const auto& group) {
            return std::ranges::is_sorted(group.second) ? group.second.size() : std::size_t{0};
        });
    CHECK(counts.compute() == std::vector<std::size_t>(1000, 3000));
}

TEST_CASE("groupby: many partitions on both sides") {
    const auto bag = range(20'000, 2000);
    const auto groups = bag.groupby([](std::int64_t x) { return x % 5000; }, {.npartitions = 3000});
    CHECK(groups.npartitions() == 3000);
    CHECK(groups.count().compute() == 5000);
    CHECK(groups.map([](const auto& g) { return g.second.size(); }).sum().compute() == 20'000);
}

TEST_CASE("groupby and join: more keys than fit into a cache, in one partition") {
    constexpr std::int64_t keys = 20'011;
    const auto key = [](std::int64_t x) { return x * 7'919 % keys; };
    on_each_executor([&](const Executor& executor) {
        const auto bag = satchel::range(3 * keys, 2);
        const auto groups = bag.groupby(key, {.npartitions = 1}).compute(executor);
        REQUIRE(groups.size() == keys);
        for (std::int64_t x = 0; x < keys; ++x) {
            const auto& group = groups[static_cast<std::size_t>(x)];
            CHECK(group.first == key(x));
            CHECK(group.second == std::vector{x, x + keys, x + 2 * keys});
        }
        // Each side has elements without a match.
        const auto some =
            satchel::range(2 * keys, 2).filter([](std::int64_t x) { return x % 2 == 1; });
        const auto odd = [](std::int64_t x) { return x; };
        for (const auto& joined : {some.join(bag, odd, odd, {.npartitions = 1}),
                                   some.join(bag.repartition({.npartitions = 1}), odd, odd)}) {
            auto pairs = joined.compute(executor);
            std::ranges::sort(pairs);
            REQUIRE(pairs.size() == keys);
            for (std::size_t k = 0; k < pairs.size(); ++k) {
                CHECK(pairs[k].first == static_cast<std::int64_t>(2 * k + 1));
                CHECK(pairs[k].second == pairs[k].first);
            }
        }
    });
}

TEST_CASE("groupby: partitions one at a time, and the first few groups") {
    const auto groups = range(1000, 6).groupby([](std::int64_t x) { return x % 100; });
    std::size_t found = 0;
    std::int64_t partitions = 0;
    groups.for_each_partition([&](const auto& partition) {
        ++partitions;
        found += partition.size();
    });
    CHECK(partitions == 6);
    CHECK(found == 100);
    CHECK(groups.take(3, {.npartitions = -1}).size() == 3);
    CHECK(groups.take(3).size() == 3);
}

TEST_CASE("groupby: what a key function throws comes back") {
    const auto bag = range(100, 4);
    const auto groups = bag.groupby([](std::int64_t x) {
        if (x == 77) throw std::out_of_range("no key");
        return x;
    });
    on_each_executor([&](const Executor& executor) {
        CHECK_THROWS_WITH_AS(groups.compute(executor), "no key", std::out_of_range);
    });
    CHECK(text_of<InvalidArgument>([&] {
              (void)bag.groupby([](std::int64_t x) { return x; }, {.npartitions = 0});
          }) == "groupby: npartitions is 0; it must lie between 1 and 2147483647");
}

TEST_CASE("join: Dask's cases") {
    const auto bag = range(15, 3);
    const auto mod4 = [](std::int64_t x) { return static_cast<int>(x % 4); };
    const auto itself = [](int x) { return x; };
    const std::vector other{1, 2, 3};
    const auto expected = joined_by_loop(bag.compute(), other, mod4, itself);
    on_each_executor([&](const Executor& executor) {
        // A list, a delayed one and a bag of one partition: in the order of this bag.
        const auto joined = bag.join(other, mod4, itself);
        static_assert(std::is_same_v<decltype(joined), const Bag<std::pair<int, std::int64_t>>>);
        CHECK(joined.npartitions() == 3);
        CHECK(joined.compute(executor) == expected);
        const auto later = delayed([](const std::vector<int>& x) { return x; })(other);
        CHECK(bag.join(later, mod4, itself).compute(executor) == expected);
        const auto one = from_sequence(other, {.npartitions = 1});
        CHECK(bag.join(one, mod4, itself).compute(executor) == expected);
        // Of several partitions, which Dask refuses.
        const auto three = from_sequence(other, {.npartitions = 3});
        const auto shuffled = bag.join(three, mod4, itself);
        CHECK(shuffled.npartitions() == 3);
        CHECK(sorted(shuffled.compute(executor)) == sorted(expected));
        CHECK(bag.join(three, mod4, itself, {.broadcast = Side::right}).compute(executor) ==
              expected);
        const auto left = bag.join(three, mod4, itself, {.broadcast = Side::left});
        CHECK(left.npartitions() == 3);
        CHECK(sorted(left.compute(executor)) == sorted(expected));
    });
}

TEST_CASE("join: one function for both, several matches, none") {
    const auto bag = from_sequence(people, {.npartitions = 4});
    const auto pairs = bag.join(bag, &Person::city, {.npartitions = 5});
    CHECK(pairs.npartitions() == 5);
    auto names = pairs.map([](const auto& p) { return p.first.name + p.second.name; }).compute();
    std::vector<std::string> expected;
    for (const auto& [u, x] : joined_by_loop(people, people, &Person::city, &Person::city)) {
        expected.push_back(u.name + x.name);
    }
    CHECK(sorted(names) == sorted(expected));
    const auto none = [](const Person&) { return std::string("nowhere"); };
    CHECK(bag.join(bag, &Person::city, none).count().compute() == 0);
    CHECK(bag.join(std::vector<Person>{}, &Person::city).count().compute() == 0);
}

TEST_CASE("join: numbers of different types that fit into one meet") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(15, 3);
        const auto mod4 = [](std::int64_t x) { return x % 4; };
        const auto itself = [](auto x) { return x; };
        const auto expected = joined_by_loop(bag.compute(), std::vector{1, 2, 3}, mod4, itself);
        CHECK(bag.join(std::vector{1, 2, 3}, mod4, itself).compute(executor) == expected);
        const auto three = from_sequence({1, 2, 3}, {.npartitions = 3});
        CHECK(sorted(bag.join(three, mod4, itself).compute(executor)) == sorted(expected));
        const int zero = 0;
        const auto with_state = [zero](std::int64_t x) { return static_cast<int>(x) + zero; };
        CHECK(bag.join(std::vector{1.0, 2.5}, with_state, itself).compute(executor) ==
              std::vector<std::pair<double, std::int64_t>>{{1.0, 1}});
    });
    const auto key = [](std::int64_t x) { return x; };
    CHECK(range(3, 1).join(std::vector{1}, key, [](int x) { return x; }).name() !=
          range(3, 1).join(std::vector{1}, key, [](int x) { return x + 1; }).name());
}

TEST_CASE("join: options that contradict each other") {
    const auto bag = range(4, 2);
    const auto key = [](std::int64_t x) { return x; };
    CHECK(text_of<InvalidArgument>([&] {
              (void)bag.join(bag, key, {.npartitions = 2, .broadcast = Side::left});
          }).starts_with("join: both npartitions and broadcast are given"));
    CHECK_THROWS_AS((void)bag.join(bag, key, {.npartitions = -1}), InvalidArgument);
}

TEST_CASE("product: all pairs, by blocks") {
    const auto numbers = from_sequence({1, 2, 3, 4}, {.npartitions = 2});
    const auto letters = from_sequence({"a", "b", "c"}, {.npartitions = 3});
    const auto pairs = numbers.product(letters);
    static_assert(std::is_same_v<decltype(pairs), const Bag<std::pair<int, std::string>>>);
    CHECK(pairs.npartitions() == 6);
    on_each_executor([&](const Executor& executor) {
        std::vector<std::pair<int, std::string>> expected;
        for (const auto& [first, last] : {std::pair(1, 2), std::pair(3, 4)}) {
            for (const char* letter : {"a", "b", "c"}) {
                for (int x = first; x <= last; ++x) expected.emplace_back(x, letter);
            }
        }
        CHECK(pairs.compute(executor) == expected);
        CHECK(numbers.product(numbers).count().compute(executor) == 16);
        CHECK(numbers.product(from_sequence(std::vector<int>{})).count().compute(executor) == 0);
        CHECK(range(3000, 3).product(range(1000, 2)).count().compute(executor) == 3'000'000);
    });
    CHECK_THROWS_AS((void)range(9, 100'000).product(range(9, 100'000)), InvalidArgument);
}

TEST_CASE("random shuffles are what loops give") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const auto below = 1 + random(200);
        const auto left = numbers(seed, random(600), below);
        const auto right = numbers(seed + 1000, random(300), below);
        const auto bag = from_sequence(left, {.npartitions = 1 + random(40)});
        const auto other = from_sequence(right, {.npartitions = 1 + random(9)});
        const MemoryMax memory_max(random(2) == 0 ? 0 : 1000);
        const std::int64_t divisor = 1 + random(50);
        const auto key = [](std::int64_t x, std::int64_t k) { return fmt::format("{}", x % k); };
        const auto by = [=](std::int64_t x) { return key(x, divisor); };
        const std::int64_t npartitions = 1 + random(100);
        const auto groups = bag.groupby(by, {.npartitions = npartitions});
        const auto pairs = bag.join(other, by, {.npartitions = npartitions});
        const auto expected = grouped_by_loop(left, by);
        const auto expected_pairs = sorted(joined_by_loop(left, right, by, by));
        const ThreadPoolExecutor threads(1 + random(7));
        CHECK(as_map(groups.compute(threads)) == expected);
        CHECK(groups.compute(SynchronousExecutor{}) == groups.compute(threads));
        CHECK(sorted(pairs.compute(threads)) == expected_pairs);
        CHECK(pairs.compute(SynchronousExecutor{}) == pairs.compute(threads));
        const auto small = bag.join(other, by, {.broadcast = Side::right});
        CHECK(small.compute(threads) == joined_by_loop(left, right, by, by));
    }
}
