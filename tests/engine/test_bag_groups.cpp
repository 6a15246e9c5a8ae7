// frequencies, distinct, foldby, topk: what they give, in which order, of which types.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>
#include <satchel/stable_hash.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::concat;
using satchel::Executor;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::range;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace fruit {
struct Weighed {
    double grams;
    std::optional<int> price;
    bool operator==(const Weighed&) const = default;
};

// Of a type of the user's own, with a hash of its own.
struct Apple {
    std::string sort;
    int weight = 0;
    bool operator==(const Apple&) const = default;
};

std::uint64_t stable_hash(const Apple& apple) {
    return satchel::stable_hash(std::tuple(apple.sort, apple.weight));
}

// Of a type that can only be moved.
struct Ticket {
    explicit Ticket(std::int64_t n) : number(n) {}
    Ticket(Ticket&&) = default;
    Ticket& operator=(Ticket&&) = default;
    std::int64_t number;
    bool operator==(const Ticket&) const = default;
};
std::uint64_t stable_hash(const Ticket& ticket) { return satchel::stable_hash(ticket.number); }

// Of a type that only std::hash knows.
struct Pear {
    int weight = 0;
    bool operator==(const Pear&) const = default;
};

}  // namespace fruit

template <>
struct std::hash<fruit::Pear> {
    std::size_t operator()(const fruit::Pear& pear) const noexcept {
        return static_cast<std::size_t>(pear.weight % 2);  // and that badly
    }
};

namespace {

template <class T>
using Counts = std::vector<std::pair<T, std::size_t>>;

// Bags of the same elements, differently divided.
template <class T>
std::vector<Bag<T>> divisions(const std::vector<T>& elements) {
    const auto none = from_sequence(std::vector<T>{});
    const auto whole = from_sequence(elements, {.npartitions = 1});
    return {whole, from_sequence(elements, {.partition_size = 1}),
            from_sequence(elements, {.npartitions = 3}), concat(none, whole, none)};
}

template <class T, class Operation, class R>
void check_all(const std::vector<T>& elements, Operation operation,
               const std::vector<R>& expected) {
    on_each_executor([&](const Executor& executor) {
        for (const auto& bag : divisions(elements)) {
            CAPTURE(bag.npartitions());
            const Bag<R> result = operation(bag);
            CHECK(result.npartitions() == 1);
            const bool equal = result.compute(executor) == expected;
            CHECK(equal);
        }
    });
}

const auto frequencies = [](const auto& bag) { return bag.frequencies(); };
const auto sorted_frequencies = [](const auto& bag) { return bag.frequencies({.sort = true}); };
const auto distinct = [](const auto& bag) { return bag.distinct(); };
const auto top = [](std::int64_t k) { return [k](const auto& bag) { return bag.topk(k); }; };

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// ---- frequencies --------------------------------------------------------------------------------

TEST_CASE("frequencies counts in the order in which elements came first") {
    check_all(std::vector<int>{}, frequencies, Counts<int>{});
    check_all(std::vector<int>{7}, frequencies, Counts<int>{{7, 1}});
    check_all(std::vector<int>{3, 1, 3, 2, 1, 3}, frequencies, Counts<int>{{3, 3}, {1, 2}, {2, 1}});
    check_all(std::vector<std::string>{"b", "a", "", "b"}, frequencies,
              Counts<std::string>{{"b", 2}, {"a", 1}, {"", 1}});
}

TEST_CASE("frequencies by count, descending; of equal counts the first comes first") {
    check_all(std::vector<int>{}, sorted_frequencies, Counts<int>{});
    check_all(std::vector<int>{5, 4, 3, 4, 9, 3, 8}, sorted_frequencies,
              Counts<int>{{4, 2}, {3, 2}, {5, 1}, {9, 1}, {8, 1}});
}

TEST_CASE("frequencies of every kind of element that can be hashed") {
    check_all(std::vector<bool>{true, false, true}, frequencies,
              Counts<bool>{{true, 2}, {false, 1}});
    check_all(std::vector<char>{'x', 'y', 'x'}, frequencies, Counts<char>{{'x', 2}, {'y', 1}});
    check_all(std::vector<double>{0.0, 1.5, -0.0}, frequencies, Counts<double>{{0.0, 2}, {1.5, 1}});
    using Pair = std::pair<int, std::string>;
    check_all(std::vector<Pair>{{1, "a"}, {2, "a"}, {1, "a"}}, frequencies,
              Counts<Pair>{{{1, "a"}, 2}, {{2, "a"}, 1}});
    using Tuple = std::tuple<int, bool, char>;
    check_all(std::vector<Tuple>{{1, true, 'a'}, {1, true, 'a'}}, frequencies,
              Counts<Tuple>{{{1, true, 'a'}, 2}});
    using Optional = std::optional<int>;
    check_all(std::vector<Optional>{0, std::nullopt, 0, std::nullopt, std::nullopt}, frequencies,
              Counts<Optional>{{0, 2}, {std::nullopt, 3}});
    using Path = std::filesystem::path;
    check_all(std::vector<Path>{"a/b", "/", "a//b", "a"}, frequencies,
              Counts<Path>{{"a/b", 2}, {"/", 1}, {"a", 1}});
    using Set = std::unordered_set<int>;
    check_all(std::vector<Set>{{1, 18, 35}, {}, {35, 18, 1}}, frequencies,
              Counts<Set>{{{1, 18, 35}, 2}, {{}, 1}});
    using Vector = std::vector<int>;
    check_all(std::vector<Vector>{{1, 2}, {}, {2, 1}, {1, 2}}, frequencies,
              Counts<Vector>{{{1, 2}, 2}, {{}, 1}, {{2, 1}, 1}});
    enum class Color { red, green };
    check_all(std::vector<Color>{Color::green, Color::red, Color::green}, frequencies,
              Counts<Color>{{Color::green, 2}, {Color::red, 1}});
}

TEST_CASE("stable_hash reads a text to its end and no further, whatever its length") {
    // As it was first defined: words of eight bytes, the last one filled up with zeros.
    const auto expected = [](const std::string& text) {
        std::uint64_t hash = text.size();
        std::size_t at = 0;
        for (std::uint64_t word = 0; at + 8 < text.size(); at += 8) {
            std::memcpy(&word, text.data() + at, 8);
            hash = satchel::detail::hash_mix(hash, word);
        }
        std::uint64_t last = 0;
        for (auto k = text.size(); k > at; --k) {
            last = last << 8 | static_cast<unsigned char>(text[k - 1]);
        }
        return satchel::detail::hash_mix(hash, last);
    };
    std::string text;
    for (int size = 0; size <= 40; ++size) {
        CAPTURE(size);
        const std::vector<char> exact(text.begin(), text.end());  // a sanitizer sees its end
        CHECK(satchel::stable_hash(std::string_view(exact.data(), exact.size())) == expected(text));
        CHECK(satchel::stable_hash(text) == expected(text));
        auto cut_short = text + "a tail, for a memory of its own, that it is cut off from";
        cut_short.resize(text.size());
        CHECK(satchel::stable_hash(cut_short) == expected(text));
        text += static_cast<char>(0xF1 - 5 * size);
    }
}

TEST_CASE("frequencies and distinct of more keys than a table begins with") {
    std::vector<std::string> texts;
    std::vector<std::pair<std::string, std::size_t>> counts;
    for (int k = 0; k < 3000; ++k) texts.push_back(std::to_string(k * k % 1999));
    for (const auto& text : texts) {
        const auto found = std::ranges::find(counts, text, [](const auto& c) { return c.first; });
        if (found == counts.end()) {
            counts.emplace_back(text, 1);
        } else {
            ++found->second;
        }
    }
    for (const std::int64_t parts : {1, 3, 40}) {
        const auto bag = satchel::from_sequence(texts, {.npartitions = parts});
        CHECK(bag.frequencies().compute() == counts);
        // Elements that are given away, and elements that lie here and there.
        CHECK(bag.map([](std::string x) { return x; }).frequencies().compute() == counts);
        const auto ends_in_1 = [](const std::string& x) { return x.back() == '1'; };
        auto some = counts;
        std::erase_if(some, [&](const auto& c) { return !ends_in_1(c.first); });
        CHECK(bag.filter(ends_in_1).frequencies().compute() == some);
        CHECK(bag.filter(ends_in_1).distinct().compute().size() == some.size());
    }
}

TEST_CASE("frequencies of a user's own types, by stable_hash or std::hash") {
    using fruit::Apple;
    using fruit::Pear;
    check_all(std::vector<Apple>{{"boskop", 1}, {"elstar", 1}, {"boskop", 1}}, frequencies,
              Counts<Apple>{{{"boskop", 1}, 2}, {{"elstar", 1}, 1}});
    check_all(std::vector<Pear>{{1}, {3}, {2}, {1}, {5}}, frequencies,
              Counts<Pear>{{{1}, 2}, {{3}, 1}, {{2}, 1}, {{5}, 1}});
    using Basket = std::vector<Apple>;
    check_all(std::vector<Basket>{{{"elstar", 2}}, {}, {{"elstar", 2}}}, frequencies,
              Counts<Basket>{{{{"elstar", 2}}, 2}, {{}, 1}});
}

TEST_CASE("NaN is one element like others to frequencies and distinct") {
    std::vector<double> elements(20'000, not_a_number);
    elements[5'000] = 1;
    on_each_executor([&](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 7}) {
            const auto bag = from_sequence(elements, {.npartitions = npartitions});
            const auto counts = bag.frequencies().compute(executor);
            REQUIRE(counts.size() == 2);
            CHECK(counts[0].second == 19'999);
            CHECK(counts[1] == std::pair(1.0, std::size_t{1}));
            CHECK(bag.distinct().compute(executor).size() == 2);
        }
    });
}

TEST_CASE("NaN is one key also inside of a pair, a list, an optional and an aggregate") {
    using fruit::Weighed;
    const auto check = [](const auto& absent, const auto& present) {
        using T = std::decay_t<decltype(absent)>;
        std::vector<T> elements(10'000, absent);
        elements[5'000] = present;
        const auto bag = from_sequence(elements, {.npartitions = 7});
        const auto identity = [](const T& x) { return x; };
        on_each_executor([&](const Executor& executor) {
            const auto counts = bag.frequencies().compute(executor);
            REQUIRE(counts.size() == 2);
            CHECK(counts[0].second == 9'999);
            CHECK(bag.distinct().compute(executor).size() == 2);
            CHECK(bag.groupby(identity).count().compute(executor) == 2);
            const auto one = from_sequence(std::vector<T>{absent});
            CHECK(bag.join(one, identity).count().compute(executor) == 9'999);
        });
    };
    check(std::pair(1, not_a_number), std::pair(1, 2.0));
    check(std::vector{1.0, not_a_number}, std::vector{1.0});
    check(std::optional(not_a_number), std::optional<double>());
    check(std::tuple(std::string("a"), std::vector{std::pair(not_a_number, 1)}),
          std::tuple(std::string("a"), std::vector{std::pair(not_a_number, 2)}));
    check(Weighed{not_a_number, 1}, Weighed{not_a_number, {}});
    using Cell = std::variant<double, std::string>;
    check(Cell(not_a_number), Cell("nan"));
    check(std::pair(1, Cell(not_a_number)), std::pair(1, Cell(1.0)));
}

namespace {
struct Named : std::variant<double, std::string> {
    using std::variant<double, std::string>::variant;
};
struct Labelled : std::variant<double, std::string> {
    using Base = std::variant<double, std::string>;
    Labelled(double number, int number_of_row) : Base(number), row(number_of_row) {}
    Labelled() = default;
    bool operator==(const Labelled&) const = default;
    friend std::uint64_t stable_hash(const Labelled& x) {
        return satchel::stable_hash(static_cast<std::uint64_t>(x.row));
    }
    int row = 0;
};
}  // namespace

TEST_CASE("NaN is one key in a class that is a variant and no more") {
    const auto bag = from_sequence({Named(not_a_number), Named(not_a_number)});
    CHECK(bag.frequencies().compute(satchel::SynchronousExecutor{}).size() == 1);
}

TEST_CASE("a class with members of its own is compared by its own ==, a NaN inside or not") {
    const auto bag = from_sequence({Labelled(not_a_number, 1), Labelled(not_a_number, 2)});
    CHECK(bag.frequencies().compute(satchel::SynchronousExecutor{}).size() == 2);
}

TEST_CASE("frequencies of many different elements, in all partitions") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t split_every : {2, 8}) {
            const auto counts = range(30'000, 20)
                                    .map([](std::int64_t x) { return x * 7'919 % 10'007; })
                                    .frequencies({.split_every = split_every})
                                    .compute(executor);
            REQUIRE(counts.size() == 10'007);
            std::size_t total = 0;
            for (std::size_t k = 0; k < counts.size(); ++k) {
                CHECK(counts[k].first == static_cast<std::int64_t>(k) * 7'919 % 10'007);
                total += counts[k].second;
            }
            CHECK(total == 30'000);
        }
    });
}

TEST_CASE("frequencies is a bag: more operations can follow") {
    const auto longest = from_sequence({"a", "b", "b", "c", "c", "c"})
                             .frequencies()
                             .filter([](const auto& entry) { return entry.second > 1; })
                             .pluck<0>();
    CHECK(longest.compute() == std::vector<std::string>{"b", "c"});
}

// ---- distinct -----------------------------------------------------------------------------------

TEST_CASE("distinct keeps the first of equal elements, in their order") {
    check_all(std::vector<int>{}, distinct, std::vector<int>{});
    check_all(std::vector<int>{1, 2, 1, 3, 2, 0}, distinct, std::vector<int>{1, 2, 3, 0});
    check_all(std::vector<bool>{false, false, true}, distinct, std::vector<bool>{false, true});
    check_all(std::vector<std::string>{"x", "y", "x"}, distinct,
              std::vector<std::string>{"x", "y"});
    check_all(std::vector<fruit::Pear>{{1}, {3}, {1}}, distinct,
              std::vector<fruit::Pear>{{1}, {3}});
}

TEST_CASE("distinct by a key keeps the first of each key") {
    using fruit::Apple;
    const std::vector<Apple> apples{{"a", 3}, {"b", 1}, {"a", 1}, {"c", 3}};
    const auto by_member = [](const auto& bag) { return bag.distinct(&Apple::weight); };
    const auto by_lambda = [](const auto& bag) {
        return bag.distinct([](const Apple& apple) { return apple.sort; });
    };
    const auto by_both = [](const auto& bag) {
        return bag.distinct([](const Apple& x) { return std::pair(x.sort, x.weight % 2); },
                            {.split_every = 2});
    };
    check_all(apples, by_member, std::vector<Apple>{{"a", 3}, {"b", 1}});
    check_all(apples, by_lambda, std::vector<Apple>{{"a", 3}, {"b", 1}, {"c", 3}});
    check_all(apples, by_both, std::vector<Apple>{{"a", 3}, {"b", 1}, {"c", 3}});
}

TEST_CASE("keys that are string literals are compared as text") {
    const char light[] = "light";
    const auto weight = [&light](int x) -> const char* {
        if (x > 9) return "heavy";
        return x % 2 == 0 ? "light" : light;  // one text at two addresses
    };
    const auto numbers = from_sequence({1, 12, 2, 3, 4}, {.npartitions = 2});
    CHECK(numbers.distinct(weight).compute() == std::vector{1, 12});
    CHECK(numbers.topk(2, weight).compute() == std::vector{1, 2});
    const Bag<std::pair<std::string, int>> sums = numbers.foldby(weight, std::plus<>{}, 0);
    CHECK(sums.compute() == std::vector<std::pair<std::string, int>>{{"light", 10}, {"heavy", 12}});
}

// ---- foldby -------------------------------------------------------------------------------------

TEST_CASE("foldby folds the elements of each key, in the order of the keys") {
    const auto parity = [](int x) { return x % 2 == 0; };
    const auto add = [](int total, int x) { return total + x; };
    using Totals = std::vector<std::pair<bool, int>>;
    const auto sums = [&](const auto& bag) { return bag.foldby(parity, add, 0); };
    check_all(std::vector<int>{}, sums, Totals{});
    check_all(std::vector<int>{1, 2, 3, 4, 5}, sums, Totals{{false, 9}, {true, 6}});
    check_all(std::vector<int>{4}, sums, Totals{{true, 4}});
}

TEST_CASE("foldby: initial counts once for a key, whatever the number of partitions") {
    const auto parity = [](std::int64_t x) { return x % 2; };
    const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto join = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto count = [](std::int64_t n, std::int64_t) { return n + 1; };
    using Totals = std::vector<std::pair<std::int64_t, std::int64_t>>;
    on_each_executor([&](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 3, 10, 30}) {
            CAPTURE(npartitions);
            const auto bag = range(10, npartitions);
            CHECK(bag.foldby(parity, add, 100).compute(executor) == Totals{{0, 120}, {1, 125}});
            CHECK(bag.foldby(parity, add, 100, join).compute(executor) ==
                  Totals{{0, 120}, {1, 125}});
            // Dask counts 4 here without a combine, and needs one that is not asked for.
            CHECK(bag.foldby(parity, count, 0, join).compute(executor) == Totals{{0, 5}, {1, 5}});
            CHECK(bag.foldby(parity, count, 100, join, {.split_every = 2}).compute(executor) ==
                  Totals{{0, 105}, {1, 105}});
        }
    });
}

TEST_CASE("foldby into another type") {
    const auto first_letter = [](const std::string& word) { return word.substr(0, 1); };
    const auto insert = [](std::set<std::string> all, const std::string& word) {
        all.insert(word);
        return all;
    };
    const auto unite = [](std::set<std::string> all, const std::set<std::string>& more) {
        all.insert(more.begin(), more.end());
        return all;
    };
    const auto length = [](std::size_t n, const std::string& word) { return n + word.size(); };
    const auto words = [&](const auto& bag) {
        return bag.foldby(first_letter, insert, std::set<std::string>{}, unite);
    };
    const auto letters = [&](const auto& bag) {
        return bag.foldby(first_letter, length, std::size_t{0}, std::plus<>{});
    };
    const std::vector<std::string> elements{"bad", "air", "big", "bad", "at"};
    check_all(elements, words,
              std::vector<std::pair<std::string, std::set<std::string>>>{{"b", {"bad", "big"}},
                                                                         {"a", {"air", "at"}}});
    check_all(elements, letters,
              std::vector<std::pair<std::string, std::size_t>>{{"b", 9}, {"a", 5}});
}

TEST_CASE("foldby by a member, with results that are not symmetric") {
    using fruit::Apple;
    const std::vector<Apple> apples{{"a", 1}, {"b", 2}, {"c", 1}, {"d", 2}, {"e", 1}};
    const auto append = [](std::string all, const Apple& apple) { return all + apple.sort; };
    const auto joined = [&](const auto& bag) {
        return bag.foldby(&Apple::weight, append, ">", std::plus<>{});
    };
    check_all(apples, joined, std::vector<std::pair<int, std::string>>{{1, ">ace"}, {2, ">bd"}});
}

TEST_CASE("keys that their function keeps elsewhere, all in one place") {
    std::vector<std::string> texts;
    for (int k = 0; k < 300; ++k) texts.push_back(std::to_string(k % 70) + std::string(k % 3, 'x'));
    const auto shout = [](const std::string& text) -> const std::string& {
        thread_local std::string key;
        key = "a key that is too long for a string to hold in itself: " + text.substr(0, 2);
        return key;
    };
    const auto number = [](const std::string& text) { return text.substr(0, 2); };
    const auto bag = from_sequence(texts, {.npartitions = 4});
    const auto firsts = bag.distinct(number).compute();
    CHECK(bag.distinct(shout).compute() == firsts);
    const auto count = [](int n, const std::string&) { return n + 1; };
    const auto counts = bag.foldby(number, count, 0, std::plus<>{}).compute();
    const auto loud = bag.foldby(shout, count, 0, std::plus<>{}).compute();
    REQUIRE(loud.size() == counts.size());
    for (std::size_t k = 0; k < counts.size(); ++k) CHECK(loud[k].second == counts[k].second);
    CHECK(bag.join(texts, shout).count().compute() == bag.join(texts, number).count().compute());
    CHECK(bag.groupby(shout).count().compute() == static_cast<std::int64_t>(counts.size()));
}

TEST_CASE("keys of strings of every size, that differ at the end") {
    std::vector<std::string> texts;
    for (int size = 0; size < 40; ++size) {
        for (const char* end : {"a", "b", "", "a"}) texts.push_back(std::string(size, 'x') + end);
    }
    std::vector<std::pair<std::string, int>> expected;
    for (const auto& text : texts) {
        const auto found = std::ranges::find(expected, text, &std::pair<std::string, int>::first);
        if (found != expected.end()) {
            ++found->second;
        } else {
            expected.emplace_back(text, 1);
        }
    }
    const auto itself = [](const std::string& x) -> const std::string& { return x; };
    const auto count = [](int n, const std::string&) { return n + 1; };
    on_each_executor([&](const Executor& executor) {
        for (const int npartitions : {1, 3}) {
            const auto bag = from_sequence(texts, {.npartitions = npartitions});
            CHECK(bag.foldby(itself, count, 0, std::plus<>{}).compute(executor) == expected);
            auto groups = bag.groupby(itself).compute(executor);
            std::ranges::sort(groups);
            auto sorted = expected;
            std::ranges::sort(sorted);
            REQUIRE(groups.size() == sorted.size());
            for (std::size_t k = 0; k < groups.size(); ++k) {
                CHECK(groups[k].first == sorted[k].first);
                CHECK(groups[k].second ==
                      std::vector<std::string>(static_cast<std::size_t>(sorted[k].second),
                                               sorted[k].first));
            }
            std::size_t pairs = 0;
            for (const auto& [key, n] : expected) pairs += static_cast<std::size_t>(n * n);
            const auto joined = bag.join(bag, itself).compute(executor);
            CHECK(joined.size() == pairs);
            CHECK(std::ranges::all_of(joined, [](const auto& x) { return x.first == x.second; }));
        }
    });
}

TEST_CASE("foldby of one key of many elements, and of many keys of one") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(20'000, 13);
        const auto one = bag.foldby([](std::int64_t) { return 0; }, std::plus<>{}, std::int64_t{0})
                             .compute(executor);
        CHECK(one == std::vector<std::pair<int, std::int64_t>>{{0, 199'990'000}});
        const auto many =
            bag.foldby([](std::int64_t x) { return x; }, std::plus<>{}, std::int64_t{0})
                .compute(executor);
        REQUIRE(many.size() == 20'000);
        CHECK(many[12'345] == std::pair(std::int64_t{12'345}, std::int64_t{12'345}));
    });
}

TEST_CASE("foldby and distinct of more keys than fit into a cache, in each of two partitions") {
    constexpr std::int64_t keys = 20'011;
    const auto key = [](std::int64_t x) { return x * 7'919 % keys; };
    on_each_executor([&](const Executor& executor) {
        const auto bag = range(3 * keys, 2);
        const auto sums = bag.foldby(key, std::plus<>{}, std::int64_t{0}).compute(executor);
        const auto firsts = bag.distinct(key).compute(executor);
        REQUIRE(sums.size() == keys);
        REQUIRE(firsts.size() == keys);
        for (std::int64_t x = 0; x < keys; ++x) {
            const auto k = static_cast<std::size_t>(x);
            CHECK(sums[k] == std::pair(key(x), 3 * x + 3 * keys));
            CHECK(firsts[k] == x);
        }
    });
}

// ---- topk ---------------------------------------------------------------------------------------

TEST_CASE("topk gives the largest, descending") {
    check_all(std::vector<int>{}, top(3), std::vector<int>{});
    check_all(std::vector<int>{4, 9, 1, 7, 5}, top(3), std::vector<int>{9, 7, 5});
    check_all(std::vector<int>{4, 9, 1}, top(0), std::vector<int>{});
    check_all(std::vector<int>{4, 9, 1}, top(1), std::vector<int>{9});
    check_all(std::vector<int>{4, 9, 1}, top(3), std::vector<int>{9, 4, 1});
    check_all(std::vector<int>{4, 9, 1}, top(100), std::vector<int>{9, 4, 1});
    check_all(std::vector<int>{5, 5, 5}, top(2), std::vector<int>{5, 5});
    check_all(std::vector<bool>{false, true, false, true}, top(3),
              std::vector<bool>{true, true, false});
    check_all(std::vector<std::string>{"b", "c", "a"}, top(2), std::vector<std::string>{"c", "b"});
}

TEST_CASE("topk by a key; of equal keys the first come first") {
    using fruit::Apple;
    const std::vector<Apple> apples{{"a", 1}, {"b", 3}, {"c", 2}, {"d", 3}, {"e", 1}, {"f", 3}};
    const auto by_member = [](std::int64_t k) {
        return [k](const auto& bag) { return bag.topk(k, &Apple::weight); };
    };
    const auto smallest = [](const auto& bag) {
        return bag.topk(3, [](const Apple& apple) { return -apple.weight; }, {.split_every = 2});
    };
    check_all(apples, by_member(2), std::vector<Apple>{{"b", 3}, {"d", 3}});
    check_all(apples, by_member(5),
              std::vector<Apple>{{"b", 3}, {"d", 3}, {"f", 3}, {"c", 2}, {"a", 1}});
    check_all(apples, smallest, std::vector<Apple>{{"a", 1}, {"e", 1}, {"c", 2}});
}

TEST_CASE("topk is stable over many elements and partitions") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 9}) {
            for (const std::int64_t k : {1, 50, 700}) {
                const auto best = range(20'000, npartitions)
                                      .topk(k, [](std::int64_t x) { return x % 10; })
                                      .compute(executor);
                REQUIRE(best.size() == static_cast<std::size_t>(k));
                for (std::size_t i = 0; i < best.size(); ++i) {
                    CHECK(best[i] == static_cast<std::int64_t>(10 * i + 9));
                }
            }
        }
    });
}

TEST_CASE("topk of more than can be is all, and of less than none is refused") {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const auto all = range(50'000, 2).topk(most).compute();
    REQUIRE(all.size() == 50'000);
    CHECK(all.front() == 49'999);
    CHECK(all.back() == 0);
    const auto text = text_of<InvalidArgument>([] { (void)range(5, 1).topk(-1); });
    CHECK(text.starts_with("topk: asked for -1 elements"));
}

TEST_CASE("topk puts NaN after all numbers, however the bag is divided") {
    for (std::size_t place = 0; place < 5; ++place) {
        std::vector<double> elements{3, 1, 2, -5, 4};
        elements[place] = not_a_number;
        std::vector<double> expected{4, 3, 2, 1, -5};
        std::erase(expected, std::vector<double>{3, 1, 2, -5, 4}[place]);
        on_each_executor([&](const Executor& executor) {
            for (const auto& bag : divisions(elements)) {
                CHECK(bag.topk(4).compute(executor) == expected);
                const auto all = bag.topk(9).compute(executor);
                REQUIRE(all.size() == 5);
                CHECK(all[4] != all[4]);
            }
        });
    }
}

// ---- all of them --------------------------------------------------------------------------------

TEST_CASE("elements that can only be moved are grouped when nobody else holds them") {
    struct Box {
        std::unique_ptr<int> value;
        bool operator<(const Box& other) const { return *value < *other.value; }
    };
    const auto boxes = [] {
        return range(100, 7).map(
            [](std::int64_t x) { return Box{std::make_unique<int>(static_cast<int>(x % 10))}; });
    };
    on_each_executor([&](const Executor& executor) {
        const auto best = boxes().topk(3).compute(executor);
        REQUIRE(best.size() == 3);
        CHECK(*best[2].value == 9);
        CHECK(boxes().distinct([](const Box& x) { return *x.value; }).compute(executor).size() ==
              10);
        CHECK(boxes().sample(5, 1).compute(executor).size() == 5);
    });
}

TEST_CASE("keys that can only be moved, given as constants") {
    const auto ticket = [](std::int64_t x) -> const fruit::Ticket { return fruit::Ticket(x % 40); };
    CHECK(range(100, 3).distinct(ticket).compute() == range(40, 1).compute());
}

TEST_CASE("the same grouping of the same bag has the same name, another another") {
    const auto bag = range(10, 3);
    const auto self = [](std::int64_t x) { return x; };
    const auto half = [](std::int64_t x) { return x / 2; };
    CHECK(bag.frequencies().name() == bag.frequencies().name());
    CHECK(bag.frequencies().name() != bag.frequencies({.sort = true}).name());
    CHECK(bag.distinct(self).name() == bag.distinct(self).name());
    CHECK(bag.distinct(self).name() != bag.distinct(half).name());
    CHECK(bag.topk(3).name() == bag.topk(3).name());
    CHECK(bag.topk(3).name() != bag.topk(4).name());
    CHECK(bag.sample(3, 1).name() == bag.sample(3, 1).name());
    CHECK(bag.sample(3, {1}).name() == bag.sample(3, 1).name());
    CHECK(bag.sample(3, {}).name() != bag.sample(3, {}).name());
    CHECK(bag.choices(3, {1}).name() == bag.choices(3, 1).name());
    CHECK(bag.sample(3, 1).name() != bag.sample(3, 2).name());
    CHECK(bag.sample(3).name() != bag.sample(3).name());
    CHECK(bag.choices(3, 1).name() == bag.choices(3, 1).name());
    const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
    CHECK(bag.foldby(self, add, std::int64_t{0}).name() ==
          bag.foldby(self, add, std::int64_t{0}).name());
    CHECK(bag.foldby(self, add, std::int64_t{0}).name() !=
          bag.foldby(self, add, std::int64_t{1}).name());
    CHECK(bag.foldby(self, add, std::int64_t{0}).name() !=
          bag.foldby(half, add, std::int64_t{0}).name());
}
