// Bags of the element types that users bring along: move-only, constant, maps and their pairs.
#include <satchel/bag.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using satchel::Bag;
using satchel::Executor;
using satchel::testing::on_each_executor;

namespace {

// Trivially copyable, and yet not to be copied: the compiler may use memcpy, users may not.
/// Like one bit of a std::vector<bool>, but a value.
struct Coin {
    bool heads = false;
    explicit operator bool() const { return heads; }
    void flip() { heads = !heads; }
};

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

TEST_CASE("elements may be flipped") {
    const auto coins = satchel::range(3, 1).map([](auto x) { return Coin{x == 1}; });
    CHECK(coins.filter([](const Coin& x) { return x.heads; }).count().compute() == 1);
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

TEST_CASE("elements may be ranges of their own type, as JSON is") {
    using Json = nlohmann::json;
    on_each_executor([](const Executor& executor) {
        const auto parsed = satchel::from_sequence({R"({"a": 1})", "[1, 2]", "2", R"({"a": 1})"},
                                                   {.npartitions = 2})
                                .map([](const std::string& text) { return Json::parse(text); });
        const Bag<Json> bag = parsed;
        CHECK(bag.compute(executor).at(1) == Json{1, 2});
        CHECK(bag.distinct().count().compute(executor) == 3);
        CHECK(bag.frequencies().compute(executor).front().second == 2);
        const auto texts = bag.map([](const Json& x) { return x.dump(); });
        CHECK(texts.compute(executor).back() == R"({"a":1})");
        const auto whole = bag.map_partitions([](const std::vector<Json>& p) { return Json(p); });
        CHECK(whole.count().compute(executor) == 2);
    });
}

namespace {

// A range that is more than its elements.
struct Series {
    std::string name;
    std::vector<double> values;
    [[nodiscard]] auto begin() const { return values.begin(); }
    [[nodiscard]] auto end() const { return values.end(); }
    bool operator==(const Series&) const = default;
};

// Its key appends to what is there, as it is always loaded into a new one.
struct Appending {
    std::vector<int> parts;
    bool operator==(const Appending&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        auto size = parts.size();
        archive& size;
        if constexpr (Archive::is_loading::value) {
            for (std::size_t k = 0; k < size; ++k) {
                int part = 0;
                archive& part;
                parts.push_back(part);
            }
        } else {
            for (auto part : parts) archive& part;
        }
    }
};
std::uint64_t stable_hash(const Appending& x) { return x.parts.size(); }

}  // namespace

TEST_CASE("what a type says of its equality counts") {
    on_each_executor([](const Executor& executor) {
        const std::vector<Series> series{{"a", {1, 2}}, {"b", {1, 2}}, {"a", {1, 2}}};
        const auto bag = satchel::from_sequence(series, {.npartitions = 2});
        CHECK(bag.distinct().count().compute(executor) == 2);
        CHECK(bag.frequencies().compute(executor).front().second == 2);
        const auto nan = std::numeric_limits<double>::quiet_NaN();
        const std::vector<std::pair<double, int>> pairs{{nan, 1}, {nan, 2}, {nan, 1}};
        CHECK(satchel::from_sequence(pairs).distinct().count().compute(executor) == 2);
        using namespace std::chrono_literals;
        const std::vector<std::chrono::seconds> times{1s, 2s, 1s};
        CHECK(satchel::from_sequence(times).distinct().count().compute(executor) == 2);
    });
}

TEST_CASE("each key of a group is loaded anew") {
    on_each_executor([](const Executor& executor) {
        const auto groups = satchel::range(12, 3)
                                .groupby([](std::int64_t x) {
                                    return Appending{{1, static_cast<int>(x % 2)}};
                                })
                                .compute(executor);
        REQUIRE(groups.size() == 2);
        for (const auto& [key, group] : groups) CHECK(key.parts.size() == 2);
    });
}
