// Reductions: values, types, empty bags and partitions, the order of the tree.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

using satchel::EmptyBag;
using satchel::Executor;
using satchel::from_sequence;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace {

const SynchronousExecutor synchronous;

std::string join(const std::string& a, const std::string& b) { return a + b; }

// The letters of the alphabet, over and over, one a string.
std::vector<std::string> letters(int n) {
    std::vector<std::string> all;
    for (int k = 0; k < n; ++k) all.emplace_back(1, static_cast<char>('a' + k % 26));
    return all;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const auto& text : texts) all += text;
    return all;
}

template <class T>
T sum_of(std::vector<T> values) {
    return from_sequence(std::move(values), {.npartitions = 3}).sum().compute(synchronous);
}

}  // namespace

TEST_CASE("sum and count, for any division") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t n : {0, 1, 2, 7, 100, 1'025, 10'000}) {
            for (const std::int64_t npartitions : {1, 2, 8, 9, 64, 65, 600}) {
                CAPTURE(n);
                CAPTURE(npartitions);
                const auto bag = range(n, npartitions);
                CHECK(bag.sum().compute(executor) == n * (n - 1) / 2);
                CHECK(bag.count().compute(executor) == static_cast<std::uint64_t>(n));
            }
        }
    });
}

TEST_CASE("sums of integers are 64 bits wide, signed or not as the elements") {
    const auto type_of = [](auto element) {
        return from_sequence(std::vector{element}).sum().compute(synchronous);
    };
    static_assert(std::is_same_v<decltype(type_of(std::int8_t{1})), std::int64_t>);
    static_assert(std::is_same_v<decltype(type_of('a')), std::int64_t>);
    static_assert(std::is_same_v<decltype(type_of(std::uint8_t{1})), std::uint64_t>);
    static_assert(std::is_same_v<decltype(type_of(1U)), std::uint64_t>);
    static_assert(std::is_same_v<decltype(type_of(1ULL)), std::uint64_t>);
    static_assert(std::is_same_v<decltype(type_of(true)), std::int64_t>);
    static_assert(std::is_same_v<decltype(type_of(1.0F)), double>);
    CHECK(type_of(std::int8_t{-128}) == -128);
    CHECK(type_of(UINT64_MAX) == UINT64_MAX);
    CHECK(type_of(INT64_MIN) == INT64_MIN);
    CHECK(from_sequence(std::vector<std::int32_t>(10'000, INT32_MAX)).sum().compute(synchronous) ==
          10'000LL * INT32_MAX);
    CHECK(from_sequence(std::vector<std::uint8_t>(10'000, 255)).sum().compute(synchronous) ==
          2'550'000U);
    CHECK(from_sequence(std::vector<std::int16_t>(10'000, -32'768)).sum().compute(synchronous) ==
          -327'680'000);
}

TEST_CASE("a sum of integers fails only if the result itself does not fit") {
    using std::vector;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    CHECK(sum_of(vector{most, most, least, least}) == -2);
    CHECK(sum_of(vector{most, std::int64_t{0}}) == most);
    CHECK(sum_of(vector{least, std::int64_t{0}}) == least);
    CHECK(sum_of(vector{most, least}) == -1);
    CHECK(sum_of(vector{UINT64_MAX, std::uint64_t{0}}) == UINT64_MAX);
    CHECK(text_of<satchel::Error>([] {
              (void)sum_of(vector{most, std::int64_t{1}});
          }).starts_with("sum: "));
    CHECK_THROWS_AS((void)sum_of(vector{least, std::int64_t{-1}}), satchel::Error);
    CHECK_THROWS_AS((void)sum_of(vector{UINT64_MAX, std::uint64_t{1}}), satchel::Error);
    satchel::testing::Random random(1);
    vector<std::int64_t> values;
    std::int64_t expected = 0;
    for (int k = 0; k < 5'000; ++k) {
        const auto value = static_cast<std::int64_t>(satchel::testing::mix(random(1U << 31))) / 8;
        const auto next = k % 2 == 0 ? value : -values.back() + k;
        values.push_back(next);
        expected += k % 2 == 0 ? 0 : k;
    }
    CHECK(sum_of(values) == expected);
}

TEST_CASE("floating sums are pairwise: the error stays small") {
    const std::vector<double> tenths(1'000'000, 0.1);
    for (const std::int64_t npartitions : {1, 7, 100}) {
        const auto sum = from_sequence(tenths, {.npartitions = npartitions}).sum();
        CHECK(std::abs(sum.compute(synchronous) - 100'000) < 1e-8);
    }
    CHECK(sum_of(std::vector<double>{}) == 0.0);
    CHECK(sum_of(std::vector<double>{1e300, 1e300, -1e300}) == 1e300);
    CHECK(std::isnan(sum_of(std::vector<double>{1, NAN, 2})));
    CHECK(std::isinf(sum_of(std::vector<double>{1, INFINITY})));
    CHECK(from_sequence(std::vector<float>(1'000, 0.5F)).sum().compute(synchronous) == 500.0);
}

TEST_CASE("sums of anything else begin with T{} and keep the order") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 2, 9, 100}) {
            const auto bag = from_sequence(letters(200), {.npartitions = npartitions});
            CHECK(bag.sum().compute(executor) == joined(letters(200)));
        }
        CHECK(from_sequence(std::vector<std::string>{}).sum().compute(executor).empty());
    });
}

TEST_CASE("reductions keep the order of partitions, for every split_every") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 2, 3, 8, 9, 10, 64, 65, 100}) {
            for (const std::int64_t split_every : {2, 3, 8, 1'000}) {
                CAPTURE(npartitions);
                CAPTURE(split_every);
                const auto bag = from_sequence(letters(100), {.npartitions = npartitions});
                const auto expected = joined(letters(100));
                CHECK(bag.fold(join, {.split_every = split_every}).compute(executor) == expected);
                CHECK(bag.sum({.split_every = split_every}).compute(executor) == expected);
                CHECK(bag.reduction([](const std::vector<std::string>& p) { return joined(p); },
                                    [](const std::vector<std::string>& p) { return joined(p); },
                                    {.split_every = split_every})
                          .compute(executor) == expected);
                CHECK(bag.count({.split_every = split_every}).compute(executor) == 100);
            }
        }
    });
}

TEST_CASE("fold begins with the first element") {
    on_each_executor([](const Executor& executor) {
        const auto bag = from_sequence({3, 1, 4, 1, 5}, {.npartitions = 2});
        CHECK(bag.fold([](int a, int b) { return a * b; }).compute(executor) == 60);
        CHECK(bag.fold([](int a, int b) { return std::max(a, b); }).compute(executor) == 5);
        CHECK(from_sequence({7}).fold([](int, int) { return 0; }).compute(executor) == 7);
        // Partitions by one function, their results by another.
        const auto difference = [](int a, int b) { return a - b; };
        const auto sum = [](int a, int b) { return a + b; };
        CHECK(from_sequence({10, 1, 20, 2}, {.npartitions = 2})
                  .fold(difference, sum)
                  .compute(executor) == 9 + 18);
    });
}

TEST_CASE("fold over empty partitions, and over nothing") {
    on_each_executor([](const Executor& executor) {
        const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
        CHECK(range(2, 20).fold(add).compute(executor) == 1);
        CHECK(range(20, 20)
                  .filter([](std::int64_t x) { return x == 13; })
                  .fold(add)
                  .compute(executor) == 13);
        const auto text = text_of<EmptyBag>([&] { (void)range(0, 3).fold(add).compute(executor); });
        CHECK(text.starts_with("fold "));
        CHECK(range(0, 3).fold(add, add, 42).compute(executor) == 42);
    });
}

TEST_CASE("initial counts once, whatever the number of partitions") {
    on_each_executor([](const Executor& executor) {
        const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
        const auto other_add = [](std::int64_t a, std::int64_t b) { return a + b; };
        const auto count = [](std::int64_t n, std::int64_t) { return n + 1; };
        const auto multiply = [](std::int64_t a, std::int64_t b) { return a * b; };
        const auto other_multiply = [](std::int64_t a, std::int64_t b) { return a * b; };
        for (const std::int64_t npartitions : {1, 2, 5, 20}) {
            CAPTURE(npartitions);
            const auto bag = range(10, npartitions);
            CHECK(bag.fold(add, add, 100).compute(executor) == 145);
            CHECK(bag.fold(add, other_add, 100).compute(executor) == 145);
            CHECK(bag.fold(count, add, 100).compute(executor) == 110);
            CHECK(bag.map([](std::int64_t x) { return x + 1; })
                      .fold(multiply, multiply, 2)
                      .compute(executor) == 2 * 3'628'800);
            CHECK(bag.map([](std::int64_t x) { return x + 1; })
                      .fold(multiply, other_multiply, 2)
                      .compute(executor) == 2 * 3'628'800);
        }
    });
}

TEST_CASE("fold by two functions of one type") {
    struct Step {
        bool counts_even;
        int operator()(int n, int x) const { return n + (counts_even ? (x % 2 == 0 ? 1 : 0) : x); }
    };
    const auto numbers = from_sequence({1, 2, 3, 4, 5, 6, 7}, {.npartitions = 3});
    using Function = std::function<int(int, int)>;
    const auto count = [](int n, int x) { return Step{true}(n, x); };
    const auto add = [](int a, int b) { return a + b; };
    on_each_executor([&](const Executor& executor) {
        CHECK(numbers.fold(Step{true}, Step{false}, 0).compute(executor) == 3);
        CHECK(numbers.fold(+count, +add, 0).compute(executor) == 3);
        CHECK(numbers.fold(Function(count), Function(add), 0).compute(executor) == 3);
        CHECK(numbers.fold(+add, +add, 100).compute(executor) == 128);
        const auto is_odd = [](int x) { return x % 2; };
        using Counts = std::vector<std::pair<int, int>>;
        CHECK(numbers.foldby(is_odd, Step{true}, 0, Step{false}).compute(executor) ==
              Counts{{1, 0}, {0, 3}});
    });
}

TEST_CASE("fold into another type") {
    on_each_executor([](const Executor& executor) {
        const auto insert = [](std::set<std::int64_t> set, std::int64_t x) {
            set.insert(x % 5);
            return set;
        };
        const auto unite = [](std::set<std::int64_t> a, const std::set<std::int64_t>& b) {
            a.insert(b.begin(), b.end());
            return a;
        };
        CHECK(range(100, 7).fold(insert, unite, std::set<std::int64_t>{}).compute(executor) ==
              std::set<std::int64_t>{0, 1, 2, 3, 4});
        CHECK(range(3, 7).fold(insert, unite, std::set<std::int64_t>{9}).compute(executor) ==
              std::set<std::int64_t>{0, 1, 2, 9});

        const auto append = [](std::vector<std::int64_t> all, std::int64_t x) {
            all.push_back(x);
            return all;
        };
        const auto concatenate = [](std::vector<std::int64_t> a,
                                    const std::vector<std::int64_t>& b) {
            a.insert(a.end(), b.begin(), b.end());
            return a;
        };
        CHECK(range(5, 3)
                  .fold(append, concatenate, std::vector<std::int64_t>{-1})
                  .compute(executor) == std::vector<std::int64_t>{-1, 0, 1, 2, 3, 4});
        // The result of binop is wider than what initial was written as.
        CHECK(from_sequence({0.5, 0.25}).fold(std::plus<>{}, std::plus<>{}, 0).compute(executor) ==
              0.75);
        CHECK(from_sequence({"a", "b"}).fold(std::plus<>{}, std::plus<>{}, "x").compute(executor) ==
              "xab");
    });
}

TEST_CASE("initial counts once also where results cannot be compared") {
    struct Total {  // has no ==
        std::int64_t value = 0;
    };
    const auto add = [](Total a, std::int64_t x) { return Total{a.value + x}; };
    const auto join_totals = [](Total a, Total b) { return Total{a.value + b.value}; };
    for (const std::int64_t npartitions : {1, 2, 5}) {
        CHECK(
            range(10, npartitions).fold(add, join_totals, Total{100}).compute(synchronous).value ==
            145);
    }
}

TEST_CASE("what joins tables is never given one that nobody has made") {
    const auto count = [](std::vector<int> table, int x) {
        ++table.at(static_cast<std::size_t>(x));
        return table;
    };
    const auto join = [](std::vector<int> a, const std::vector<int>& b) {
        for (std::size_t k = 0; k < a.size(); ++k) a[k] += b.at(k);
        return a;
    };
    const auto join_shared = [](const std::shared_ptr<int>& a, const std::shared_ptr<int>& b) {
        return std::make_shared<int>(*a + *b);
    };
    const auto add_shared = [](const std::shared_ptr<int>& a, int x) {
        return std::make_shared<int>(*a + x);
    };
    struct Table {
        std::vector<int> counts;
        bool operator==(const Table&) const = default;
    };
    on_each_executor([&](const Executor& executor) {
        const auto bag = from_sequence({0, 1, 1, 4, 2, 4}, {.npartitions = 3});
        const std::vector<int> expected{1, 2, 1, 0, 2};
        CHECK(bag.fold(count, join, std::vector<int>(5)).compute(executor) == expected);
        const auto by_key = bag.foldby([](int) { return 0; }, count, std::vector<int>(5), join);
        CHECK(by_key.compute(executor).front().second == expected);
        const auto count_in = [&](Table t, int x) { return Table{count(std::move(t.counts), x)}; };
        const auto join_in = [&](Table a, const Table& b) {
            return Table{join(std::move(a.counts), b.counts)};
        };
        CHECK(bag.fold(count_in, join_in, Table{std::vector<int>(5)}).compute(executor).counts ==
              expected);
        CHECK(*bag.fold(add_shared, join_shared, std::make_shared<int>(1)).compute(executor) == 13);
    });
}

TEST_CASE("initial counts once where the order of joining counts") {
    struct Last {
        int last = 0;
        int count = 0;
        bool operator==(const Last&) const = default;
    };
    const auto last_even = [](std::optional<int> a, int x) { return x % 2 == 0 ? x : a; };
    const auto later = [](std::optional<int> a, std::optional<int> b) { return b ? b : a; };
    const auto count = [](Last a, int x) { return x % 2 == 0 ? Last{x, a.count + 1} : a; };
    const auto join_counts = [](Last a, Last b) {
        return Last{b.count > 0 ? b.last : a.last, a.count + b.count};
    };
    const auto second = [](int, int b) { return b; };
    const auto other_second = [](int, int b) { return b; };
    const auto append = [](const std::filesystem::path& a, const std::string& b) { return a / b; };
    const auto append_path = [](const std::filesystem::path& a, const std::filesystem::path& b) {
        return a / b;
    };
    on_each_executor([&](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 2, 3, 4}) {
            CAPTURE(npartitions);
            const auto bag = from_sequence({2, 5, 3, 3}, {.npartitions = npartitions});
            const auto key = [](int x) { return x == 5; };
            CHECK(bag.fold(last_even, later, std::optional<int>(7)).compute(executor) == 2);
            CHECK(bag.foldby(key, last_even, std::optional<int>(7), later).compute(executor) ==
                  std::vector<std::pair<bool, std::optional<int>>>{{false, 2}, {true, 7}});
            CHECK(bag.fold(count, join_counts, Last{7, 0}).compute(executor) == Last{2, 1});
            const auto with_empty = bag.filter([](int x) { return x != 3; });
            CHECK(with_empty.fold(second, other_second, -1).compute(executor) == 5);
            CHECK(with_empty.filter(key).fold(second, other_second, -1).compute(executor) == 5);
            CHECK(from_sequence({"b", "c", "d", "e"}, {.npartitions = npartitions})
                      .fold(append, append_path, std::filesystem::path("/a"))
                      .compute(executor) == "/a/b/c/d/e");
        }
    });
}

TEST_CASE("fold with an initial value by one function is a left fold in the first partition") {
    const auto minus = [](std::int64_t a, std::int64_t b) { return a - b; };
    const auto count = [](std::int64_t n, std::int64_t) { return n + 1; };
    const auto parity = [](std::int64_t x) { return x % 2; };
    on_each_executor([&](const Executor& executor) {
        CHECK(range(4, 1).fold(minus, minus, 10).compute(executor) == 4);
        CHECK(range(5, 1).foldby(parity, count, 0).compute(executor) ==
              std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 3}, {1, 2}});
        // Once for a key, also where the first partition has none of it.
        const auto later = from_sequence({"b", "a", "b", "c"}, {.npartitions = 4});
        const auto itself = [](const std::string& x) { return x; };
        CHECK(later.foldby(itself, std::plus<>{}, std::string(">")).compute(executor) ==
              std::vector<std::pair<std::string, std::string>>{
                  {"b", ">bb"}, {"a", ">a"}, {"c", ">c"}});
        CHECK(later.filter([](const std::string& x) { return x == "a"; })
                  .fold(std::plus<>{}, std::plus<>{}, ">")
                  .compute(executor) == ">a");
    });
}

TEST_CASE("functions that join may return a reference to their first argument") {
    const auto append = [](std::string&& a, const std::string& b) -> std::string&& {
        a += b;
        return std::move(a);
    };
    const std::string long_text(100, 'x');
    for (const std::int64_t npartitions : {1, 2, 3}) {
        const auto bag = from_sequence({std::string("one"), long_text, std::string("3")},
                                       {.npartitions = npartitions});
        CHECK(bag.fold(append).compute(synchronous) == "one" + long_text + "3");
        CHECK(bag.fold(append, append, "0").compute(synchronous) == "0one" + long_text + "3");
        CHECK(bag.foldby([](const std::string&) { return 1; }, append, std::string("0"), append)
                  .compute(synchronous)
                  .front()
                  .second == "0one" + long_text + "3");
    }
}

TEST_CASE("a fold into a type that cannot be compared is a tree, if nothing changes nothing") {
    struct Sums {
        double of[3];
        std::int64_t count;
    };
    std::atomic<int> joins{0};
    const auto add = [](Sums a, std::int64_t x) {
        for (auto& sum : a.of) sum += static_cast<double>(x);
        ++a.count;
        return a;
    };
    const auto join = [&](Sums a, const Sums& b) {
        ++joins;
        for (int k = 0; k < 3; ++k) a.of[k] += b.of[k];
        a.count += b.count;
        return a;
    };
    const auto folded = range(100, 10).fold(add, join, Sums{});
    joins = 0;
    const auto sums = folded.compute(synchronous);
    CHECK(sums.of[2] == 4'950);
    CHECK(sums.count == 100);
    CHECK(joins.load() >= 9);
}

TEST_CASE("what `combine` makes of nothing does not count, nor do bytes between members") {
    struct Mean {  // has no ==
        std::int16_t count = 0;
        std::int64_t sum = 0;
    };
    const auto add = [](Mean a, std::int64_t x) {
        return Mean{static_cast<std::int16_t>(a.count + 1), a.sum + x};
    };
    const auto join = [](Mean a, Mean b) {
        if (a.count == 0 && b.count == 0) throw std::invalid_argument("of nothing");
        return Mean{static_cast<std::int16_t>(a.count + b.count), a.sum + b.sum};
    };
    CHECK(range(10, 3).fold(add, join, Mean{}).compute(synchronous).sum == 45);

    struct Extent {
        std::int16_t low;
        std::int64_t high;
    };
    const auto widen = [](Extent e, std::int64_t x) {
        return Extent{static_cast<std::int16_t>(std::min<std::int64_t>(e.low, x)),
                      std::max(e.high, x)};
    };
    const auto join_extents = [](Extent a, Extent b) {
        Extent joined{};
        std::memset(static_cast<void*>(&joined), 0x55, sizeof joined);
        joined.low = std::min(a.low, b.low);
        joined.high = std::max(a.high, b.high);
        return joined;
    };
    const Extent nothing{INT16_MAX, INT64_MIN};
    CHECK(range(10, 3).fold(widen, join_extents, nothing).compute(synchronous).high == 9);
}

TEST_CASE("a largest element that is NaN is no initial value that counts twice") {
    const auto larger = [](double a, double b) { return std::max(a, b); };
    const auto larger_too = [](double a, double b) { return std::max(a, b); };
    const auto nan = std::numeric_limits<double>::quiet_NaN();
    const auto lowest = -std::numeric_limits<double>::infinity();
    const auto bag = from_sequence({nan, 1.0, nan, 2.0}, {.npartitions = 2});
    CHECK(bag.fold(larger, larger_too, lowest).compute(synchronous) == 2);
    const auto keep = [](double a, double b) { return a != a ? a : b; };
    CHECK(std::isnan(bag.fold(keep, larger_too, lowest).compute(synchronous)));
}

TEST_CASE("initial that would count twice is refused") {
    // Matrices of 2 x 2; {1, 1, 0, 0} times itself is itself.
    using Matrix = std::array<int, 4>;
    const auto times = [](Matrix a, Matrix b) {
        return Matrix{a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
                      a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]};
    };
    const auto times_too = [=](Matrix a, Matrix b) { return times(a, b); };
    const Matrix initial{1, 1, 0, 0};
    const std::vector<Matrix> factors{{1, 2, 3, 4}, {0, 1, 1, 1}};
    const auto expected = times(times(initial, factors[0]), factors[1]);
    CHECK(from_sequence(factors, {.npartitions = 1})
              .fold(times, times_too, initial)
              .compute(synchronous) == expected);
    const auto two = from_sequence(factors, {.npartitions = 2});
    CHECK(two.fold(times, times, initial).compute(synchronous) == expected);
    const auto text = text_of<satchel::InvalidArgument>(
        [&] { (void)two.fold(times, times_too, initial).compute(synchronous); });
    CHECK(text.find("`initial` would count more than once") != std::string::npos);
    // What a minimum begins with may count as often as it likes.
    const auto less = [](int a, int b) { return std::min(a, b); };
    const auto less_too = [](int a, int b) { return std::min(a, b); };
    CHECK(from_sequence({5, 3, 9, 4}, {.npartitions = 4})
              .fold(less, less_too, 100)
              .compute(synchronous) == 3);
}

TEST_CASE("fold of small and of move-only elements") {
    CHECK(from_sequence(std::vector<std::int16_t>{1, 2, 3})
              .fold([](std::int16_t a, std::int16_t b) { return static_cast<std::int16_t>(a + b); })
              .compute(synchronous) == 6);
    CHECK(from_sequence(std::vector<float>{1, 2, 3}).fold(std::plus<>{}).compute(synchronous) ==
          6.0F);
    using Owner = std::unique_ptr<std::int64_t>;
    CHECK(*range(10, 3)
               .map([](std::int64_t x) { return std::make_unique<std::int64_t>(x); })
               .fold([](Owner a, Owner b) {
                   *a += *b;
                   return a;
               })
               .compute(synchronous) == 45);
}

TEST_CASE("reduction: empty partitions are left out unless all are empty") {
    on_each_executor([](const Executor& executor) {
        const auto size = [](const std::vector<std::int64_t>& p) { return p.size(); };
        const auto list = [](const std::vector<std::size_t>& sizes) {
            std::string text;
            for (const auto one : sizes) text += std::to_string(one) + ";";
            return text;
        };
        CHECK(range(3, 5).reduction(size, list).compute(executor) == "1;1;1;");
        CHECK(range(0, 5).reduction(size, list).compute(executor) == "0;");
        CHECK(range(20, 20)
                  .filter([](std::int64_t x) { return x % 7 == 0; })
                  .reduction(size, list)
                  .compute(executor) == "1;1;1;");
        const auto smallest = [](std::span<const std::int64_t> p) {
            if (p.empty()) throw std::invalid_argument("nothing has no minimum");
            return std::ranges::min(p);
        };
        const auto smallest_of = [](const std::vector<std::int64_t>& all) {
            return std::ranges::min(all);
        };
        CHECK(range(3, 5).reduction(smallest, smallest_of).compute(executor) == 0);
        CHECK_THROWS_AS((void)range(0, 5).reduction(smallest, smallest_of).compute(executor),
                        std::invalid_argument);
    });
}

TEST_CASE("reduction: results of any type, bool and containers too") {
    const auto bag = range(10, 4);
    const auto has_five = [](const std::vector<std::int64_t>& p) {
        return std::ranges::find(p, 5) != p.end();
    };
    const auto any = [](const std::vector<bool>& all) {
        return std::ranges::find(all, true) != all.end();
    };
    CHECK(bag.reduction(has_five, any).compute(synchronous));
    const auto own = [](std::vector<std::int64_t> p) { return p; };
    const auto count_all = [](std::vector<std::vector<std::int64_t>> parts) {
        std::size_t n = 0;
        for (const auto& part : parts) n += part.size();
        return n;
    };
    CHECK(bag.reduction(own, count_all).compute(synchronous) == 10);
    const auto owner = [](std::span<const std::int64_t> p) {
        return std::make_unique<std::size_t>(p.size());
    };
    const auto total = [](std::vector<std::unique_ptr<std::size_t>> parts) {
        std::size_t n = 0;
        for (const auto& part : parts) n += *part;
        return n;
    };
    CHECK(bag.reduction(owner, total).compute(synchronous) == 10);
}

TEST_CASE("exceptions in reductions come back as themselves") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(1'000, 20);
        const auto fail = [](const char* what) {
            return [what](std::int64_t a, std::int64_t b) {
                if (b > 990) throw std::out_of_range(what);
                return a + b;
            };
        };
        const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
        const auto thrown_by = [&](const auto& lazy) {
            return text_of<std::out_of_range>([&] { (void)lazy.compute(executor); });
        };
        CHECK(thrown_by(bag.fold(fail("binop"))) == "binop");
        CHECK(thrown_by(bag.fold(add, fail("combine"))) == "combine");
        const auto size = [](const std::vector<std::int64_t>& p) { return p.size(); };
        CHECK(thrown_by(bag.reduction(
                  [](const std::vector<std::int64_t>&) -> int { throw std::out_of_range("one"); },
                  [](const std::vector<int>& all) { return all.size(); })) == "one");
        CHECK(thrown_by(bag.reduction(size, [](const std::vector<std::size_t>&) -> int {
                  throw std::out_of_range("all");
              })) == "all");
    });
}

TEST_CASE("reductions of a shared bag stand on one computation of it") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto bag = range(100, 10).map([&](std::int64_t x) {
            ++calls;
            return x;
        });
        CHECK(satchel::compute(executor, bag.sum(), bag.count(), bag.fold(std::plus<>{})) ==
              std::tuple(4'950, 100U, 4'950));
        CHECK(calls.load() == 100);
    });
}

TEST_CASE("a reduction of ten thousand partitions, narrow and wide") {
    on_each_executor([](const Executor& executor) {
        CHECK(range(20'000, 10'000).sum({.split_every = 2}).compute(executor) == 199'990'000);
        CHECK(range(20'000, 10'000).sum({.split_every = 100'000}).compute(executor) == 199'990'000);
    });
}
