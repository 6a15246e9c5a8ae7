// Bags of the element types that users bring along: move-only, constant, maps and their pairs.
#include <satchel/bag.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::Executor;
using satchel::testing::on_each_executor;

namespace {

// Trivially copyable, and yet not to be copied: the compiler may use memcpy, users may not.
struct Handle {
    explicit Handle(int n) : number(n) {}
    Handle(Handle&&) = default;
    Handle& operator=(Handle&&) = default;
    int number;
};

struct Constant {
    const std::int64_t number;
};

using Owner = std::unique_ptr<std::int64_t>;

std::vector<Owner> two_of(std::int64_t x) {
    std::vector<Owner> result;
    result.push_back(std::make_unique<std::int64_t>(x));
    result.push_back(std::make_unique<std::int64_t>(x));
    return result;
}

}  // namespace

TEST_CASE("elements that are trivially copyable, but move-only, are moved") {
    on_each_executor([](const Executor& executor) {
        const auto handles =
            satchel::range(3000, 3).map([](auto x) { return Handle(static_cast<int>(x)); });
        CHECK(handles.compute(executor).back().number == 2999);
        const auto even =
            handles.map([](Handle x) { return Handle(x.number + 1); }).filter([](const Handle& x) {
                return x.number % 2 == 0;
            });
        CHECK(even.compute(executor).size() == 1500);
        CHECK(even.take(1, {}, executor).front().number == 2);
    });
}

TEST_CASE("elements may have constant members") {
    const auto constants = satchel::range(3000, 3).map([](auto x) { return Constant{x}; });
    CHECK(constants.compute().back().number == 2999);
    CHECK(constants.filter([](const Constant& x) { return x.number > 5; }).take(1)[0].number == 6);
    CHECK(constants.map([](const Constant& x) { return x.number; }).max().compute() == 2999);
}

TEST_CASE("elements may be containers of what cannot be copied") {
    const auto pairs = satchel::range(100, 3).map(two_of);
    CHECK(pairs.compute().size() == 100);
    CHECK(pairs.flatten().map([](Owner x) { return *x; }).sum().compute() == 9900);
    CHECK(pairs.filter([](const auto& x) { return *x[0] > 89; }).compute().size() == 10);

    const auto named = satchel::range(100, 3).map([](auto x) { return std::pair(x, two_of(x)); });
    CHECK(*named.compute().back().second.front() == 99);
    const auto maybe = satchel::range(100, 3).map([](auto x) { return std::optional(two_of(x)); });
    CHECK(maybe.take(2).size() == 2);
    const auto both = satchel::zip(satchel::range(100, 3), pairs);
    CHECK(*std::get<1>(both.compute().back()).front() == 99);
}

TEST_CASE("the pairs of a map can be assigned, and so sorted") {
    const std::map<std::string, int> ages{{"ann", 42}, {"bob", 23}};
    const Bag<std::pair<std::string, int>> people = satchel::from_sequence(ages);
    auto sorted = people.compute();
    std::ranges::sort(sorted, {}, &std::pair<std::string, int>::second);
    CHECK(sorted.front().first == "bob");

    const auto maps = satchel::range(2, 1).map([](auto x) { return std::map{std::pair(x, 'm')}; });
    const Bag<std::pair<std::int64_t, char>> flat = maps.flatten();
    CHECK(flat.compute() == std::vector<std::pair<std::int64_t, char>>{{0, 'm'}, {1, 'm'}});

    const Bag<std::pair<std::size_t, char>> sizes = satchel::range(4, 2).map_partitions(
        [](const auto& partition) { return std::map{std::pair(partition.size(), 's')}; });
    CHECK(sizes.compute() == std::vector<std::pair<std::size_t, char>>{{2, 's'}, {2, 's'}});
}
