// Reductions of numbers: prod, min, max, any, all, mean, var, std.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::Delayed;
using satchel::EmptyBag;
using satchel::Error;
using satchel::Executor;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::range;
using satchel::testing::on_each_executor;
using satchel::testing::Random;
using satchel::testing::text_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr auto int64_min = std::numeric_limits<std::int64_t>::min();
constexpr auto int64_max = std::numeric_limits<std::int64_t>::max();
constexpr auto uint64_max = std::numeric_limits<std::uint64_t>::max();

template <class T>
bool is_nan(const T& x) {
    return x != x;
}

// Bags of the same elements: in one partition, in as many as there are elements, and among empty
// partitions.
template <class T>
std::vector<Bag<T>> divisions(const std::vector<T>& elements) {
    const auto none = from_sequence(std::vector<T>{});
    const auto whole = from_sequence(elements, {.npartitions = 1});
    return {whole, from_sequence(elements, {.partition_size = 1}),
            from_sequence(elements, {.partition_size = 2}), concat(none, whole, none)};
}

// Whether `reduce` of the elements, however they are divided, gives `expected` everywhere.
template <class T, class Reduce, class R>
void check_all(const std::vector<T>& elements, Reduce reduce, const R& expected) {
    on_each_executor([&](const Executor& executor) {
        for (const auto& bag : divisions(elements)) {
            CAPTURE(bag.npartitions());
            CHECK(reduce(bag).compute(executor) == expected);
        }
    });
}

// Whether `reduce` throws an `E` that begins with `text`, however nothing is divided.
template <class E, class T = int, class Reduce>
void check_empty_fails(Reduce reduce, const std::string& text) {
    const auto none = from_sequence(std::vector<T>{});
    const auto all_filtered =
        from_sequence(std::vector<T>(20), {.npartitions = 9}).filter([](const T&) {
            return false;
        });
    on_each_executor([&](const Executor& executor) {
        for (const auto& bag : {none, concat(none, none, none), all_filtered}) {
            CHECK(text_of<E>([&] { (void)reduce(bag).compute(executor); }).starts_with(text));
        }
    });
}

const auto prod = [](const auto& bag) { return bag.prod(); };
const auto min = [](const auto& bag) { return bag.min(); };
const auto max = [](const auto& bag) { return bag.max(); };
const auto any = [](const auto& bag) { return bag.any(); };
const auto all = [](const auto& bag) { return bag.all(); };
const auto mean = [](const auto& bag) { return bag.mean(); };
const auto var = [](const auto& bag) { return bag.var(); };
const auto var_1 = [](const auto& bag) { return bag.var(1); };
const auto std_0 = [](const auto& bag) { return bag.std(); };

}  // namespace

// ---- prod ---------------------------------------------------------------------------------------

TEST_CASE("prod multiplies, and is an error of nothing") {
    check_all(std::vector<int>{7}, prod, 7);
    check_all(std::vector<int>{1, -2, 3, -4, -5}, prod, -120);
    check_all(std::vector<double>{0.5, 4, -3}, prod, -6.0);
    check_all(std::vector<bool>{true, true, false}, prod, 0);
    CHECK_THROWS_AS((void)range(0, 5).prod().compute(), satchel::EmptyBag);
    CHECK_THROWS_AS((void)from_sequence(std::vector<float>{}).prod().compute(), satchel::EmptyBag);
    CHECK(range(3, 5).filter([](std::int64_t x) { return x == 2; }).prod().compute() == 2);
}

TEST_CASE("prod of integers is 64 bits wide, signed or not as the elements") {
    static_assert(std::is_same_v<decltype(range(1, 1).prod()), Delayed<std::int64_t>>);
    static_assert(
        std::is_same_v<decltype(std::declval<Bag<std::uint8_t>>().prod()), Delayed<std::uint64_t>>);
    static_assert(
        std::is_same_v<decltype(std::declval<Bag<bool>>().prod()), Delayed<std::int64_t>>);
    static_assert(std::is_same_v<decltype(std::declval<Bag<float>>().prod()), Delayed<double>>);
    check_all(std::vector<std::int8_t>(9, 100), prod, 1'000'000'000'000'000'000);
    check_all(std::vector<std::uint8_t>(8, 255), prod, std::uint64_t{17'878'103'347'812'890'625U});
    check_all(std::vector<float>{1e30F, 1e30F}, prod,
              static_cast<double>(1e30F) * static_cast<double>(1e30F));
}

TEST_CASE("prod of integers fails only if the result itself does not fit") {
    check_all(std::vector<std::int64_t>{int64_min, 1}, prod, int64_min);
    check_all(std::vector<std::int64_t>{int64_max, -1}, prod, -int64_max);
    check_all(std::vector<std::uint64_t>{uint64_max, 1}, prod, uint64_max);
    const auto fails = [](const auto& elements) {
        on_each_executor([&](const Executor& executor) {
            for (const auto& bag : divisions(elements)) {
                const auto text = text_of<Error>([&] { (void)bag.prod().compute(executor); });
                CHECK(text.starts_with("prod: the result does not fit into 64 bits"));
            }
        });
    };
    fails(std::vector<std::int64_t>{int64_max, 2});
    fails(std::vector<std::int64_t>{int64_min, -1});
    fails(std::vector<std::uint64_t>{uint64_max, 2});
    fails(std::vector<std::int64_t>(10, int64_max));
    fails(std::vector<std::int64_t>(11, int64_min));
    fails(std::vector<int>(200, 2));
    fails(std::vector<int>(128, 2));  // 2^128: the lower 128 bits are zero
}

TEST_CASE("a zero makes a product that had overflown zero") {
    for (const std::size_t place : {0, 20, 199}) {
        std::vector<std::int64_t> elements(200, int64_max);
        elements[place] = 0;
        check_all(elements, prod, 0);
    }
}

// ---- min, max -----------------------------------------------------------------------------------

TEST_CASE("min and max") {
    check_all(std::vector<int>{5}, min, 5);
    check_all(std::vector<int>{5}, max, 5);
    check_all(std::vector<int>{3, -1, 4, -1, 5}, min, -1);
    check_all(std::vector<int>{3, -1, 4, -1, 5}, max, 5);
    check_all(std::vector<double>{0.5, -infinity, infinity}, min, -infinity);
    check_all(std::vector<double>{0.5, -infinity, infinity}, max, infinity);
    check_all(std::vector<bool>{true, false, true}, min, false);
    check_all(std::vector<bool>{true, false, true}, max, true);
    check_all(std::vector<std::string>{"pear", "apple", "quince"}, min, std::string("apple"));
    check_all(std::vector<std::string>{"pear", "apple", "quince"}, max, std::string("quince"));
    check_all(std::vector<std::pair<int, char>>{{2, 'a'}, {1, 'b'}, {1, 'a'}}, min,
              std::pair(1, 'a'));
}

TEST_CASE("min and max of many, for every place of the extreme") {
    std::vector<int> elements(5'000, 7);
    for (const std::size_t place : {0, 1, 31, 32, 1'023, 1'024, 2'500, 4'999}) {
        CAPTURE(place);
        elements[place] = 3;
        CHECK(from_sequence(elements, {.npartitions = 3}).min().compute() == 3);
        CHECK(from_sequence(elements).min().compute() == 3);
        elements[place] = 9;
        CHECK(from_sequence(elements, {.npartitions = 3}).max().compute() == 9);
        CHECK(from_sequence(elements).max().compute() == 9);
        elements[place] = 7;
    }
}

TEST_CASE("of equal elements min and max give the first") {
    struct Named {
        int rank;
        std::string name;
        bool operator<(const Named& other) const { return rank < other.rank; }
    };
    const std::vector<Named> people{{2, "a"}, {1, "b"}, {3, "c"}, {1, "d"}, {3, "e"}};
    on_each_executor([&](const Executor& executor) {
        for (const auto& bag : divisions(people)) {
            CHECK(bag.min().compute(executor).name == "b");
            CHECK(bag.max().compute(executor).name == "c");
        }
    });
    struct Tied {  // small enough for another way
        int rank;
        int place;
        bool operator<(const Tied& other) const { return rank < other.rank; }
    };
    const auto tied = from_sequence(std::vector<Tied>{{2, 0}, {1, 1}, {2, 2}, {1, 3}});
    CHECK(tied.min().compute().place == 1);
    CHECK(tied.max().compute().place == 0);
}

TEST_CASE("min and max of nothing fail") {
    check_empty_fails<EmptyBag>(min, "min of a bag without elements");
    check_empty_fails<EmptyBag>(max, "max of a bag without elements");
    check_empty_fails<EmptyBag, std::string>(max, "max of a bag without elements");
}

TEST_CASE("a NaN makes min and max NaN, wherever it stands and however the bag is divided") {
    for (std::size_t place = 0; place < 5; ++place) {
        std::vector<double> elements{1, 2, 0.5, 3, 2.5};
        elements[place] = not_a_number;
        on_each_executor([&](const Executor& executor) {
            for (const auto& bag : divisions(elements)) {
                CHECK(is_nan(bag.min().compute(executor)));
                CHECK(is_nan(bag.max().compute(executor)));
            }
        });
    }
}

// ---- any, all -----------------------------------------------------------------------------------

TEST_CASE("any and all") {
    check_all(std::vector<bool>{}, any, false);
    check_all(std::vector<bool>{}, all, true);
    check_all(std::vector<bool>{false}, any, false);
    check_all(std::vector<bool>{true}, all, true);
    check_all(std::vector<bool>{false, true, false}, any, true);
    check_all(std::vector<bool>{true, true, false}, all, false);
    check_all(std::vector<int>{0, 0, -3}, any, true);
    check_all(std::vector<int>{1, 2, -3}, all, true);
    check_all(std::vector<double>{1, not_a_number}, all, true);  // NaN is not zero
    check_all(std::vector<double>{0.0, -0.0}, any, false);
    CHECK_FALSE(range(0, 4).any().compute());
    CHECK(range(0, 4).all().compute());
}

TEST_CASE("any and all take what converts to bool when asked") {
    const std::vector<std::optional<int>> values{std::nullopt, 0};
    check_all(values, any, true);
    check_all(values, all, false);
}

TEST_CASE("any and all read a partition no further than to what decides") {
    std::int64_t looked_at = 0;
    const auto bag = range(1'000'000, 1).map([&](std::int64_t x) {
        ++looked_at;
        return x;
    });
    const satchel::SynchronousExecutor synchronous;
    CHECK(bag.map([](std::int64_t x) { return x == 5; }).any().compute(synchronous));
    CHECK(looked_at <= 10'000);
    looked_at = 0;
    CHECK_FALSE(bag.map([](std::int64_t x) { return x != 5; }).all().compute(synchronous));
    CHECK(looked_at <= 10'000);
}

// ---- mean, var, std -----------------------------------------------------------------------------

TEST_CASE("mean") {
    check_all(std::vector<int>{4}, mean, 4.0);
    check_all(std::vector<int>{1, 2, 3, 4}, mean, 2.5);
    check_all(std::vector<double>{0.5, 1.5, 4}, mean, 2.0);
    check_all(std::vector<bool>{true, false, false, true}, mean, 0.5);
    check_all(std::vector<std::uint8_t>(1'000, 255), mean, 255.0);
    CHECK(range(1'000'001, 10).mean().compute() == 500'000);
    // The sum may be too large where the mean is not.
    constexpr auto largest = std::numeric_limits<double>::max();
    check_all(std::vector<double>{largest, largest, largest, largest}, mean, largest);
    check_all(std::vector<double>{largest, -largest, largest, -largest, 0}, mean, 0.0);
    const auto many = satchel::from_sequence(std::vector<double>(10'000, largest / 2));
    CHECK(many.mean().compute() / (largest / 2) == doctest::Approx(1).epsilon(1e-12));
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    check_all(std::vector<double>{1, infinity, 2}, mean, infinity);
    check_empty_fails<EmptyBag>(mean, "mean of a bag without elements");
    check_empty_fails<EmptyBag, double>(mean, "mean of a bag without elements");
}

TEST_CASE("mean of integers whose sum needs more than 64 bits") {
    check_all(std::vector<std::int64_t>(8, int64_max), mean, 9'223'372'036'854'775'807.0);
    check_all(std::vector<std::int64_t>{int64_min, int64_min}, mean, -9'223'372'036'854'775'808.0);
    check_all(std::vector<std::uint64_t>(4, uint64_max), mean, 18'446'744'073'709'551'615.0);
    check_all(std::vector<std::int64_t>{int64_min, int64_max}, mean, -0.5);
}

TEST_CASE("var and std") {
    check_all(std::vector<int>{5}, var, 0.0);
    check_all(std::vector<int>{5}, std_0, 0.0);
    check_all(std::vector<int>{2, 4, 4, 4, 5, 5, 7, 9}, var, 4.0);
    check_all(std::vector<int>{2, 4, 4, 4, 5, 5, 7, 9}, std_0, 2.0);
    check_all(std::vector<int>{1, 2, 3}, var_1, 1.0);
    check_all(std::vector<bool>{true, false}, var, 0.25);
    CHECK(range(1'000, 7).var().compute() == doctest::Approx(83'333.25).epsilon(1e-14));
    CHECK(range(1'000, 7).std(1).compute() == doctest::Approx(288.8194360957494).epsilon(1e-14));
    CHECK(range(1'000, 7).var(2, {.split_every = 2}).compute() ==
          doctest::Approx(83'333.25 * 1'000 / 998).epsilon(1e-14));
    check_empty_fails<EmptyBag>(var, "var of a bag without elements");
    check_empty_fails<EmptyBag>(std_0, "std of a bag without elements");
}

TEST_CASE("var and std do not cancel, however far from zero the numbers lie") {
    check_all(std::vector<double>{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, var_1, 30.0);
    check_all(std::vector<double>{1e15 + 1, 1e15 + 2, 1e15 + 3}, var_1, 1.0);
    check_all(std::vector<double>(3, 1e8 + 0.1), std_0, 0.0);
    std::vector<double> far;
    std::vector<double> near;
    for (int k = 0; k < 10'000; ++k) {
        far.push_back(1e12 + k % 10);
        near.push_back(k % 10);
    }
    on_each_executor([&](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 3, 1'000}) {
            CHECK(from_sequence(far, {.npartitions = npartitions}).var().compute(executor) ==
                  doctest::Approx(8.25).epsilon(1e-9));
            CHECK(from_sequence(near, {.npartitions = npartitions}).var().compute(executor) ==
                  doctest::Approx(8.25).epsilon(1e-13));
        }
    });
}

TEST_CASE("var of integers that a double cannot hold") {
    constexpr std::int64_t far = 1'000'000'000'000'000'000;  // a double here is a multiple of 128
    check_all(std::vector<std::int64_t>{far + 1, far + 2, far + 3}, var_1, 1.0);
    check_all(std::vector<std::int64_t>{int64_max, int64_max - 2}, var, 1.0);
    check_all(std::vector<std::uint64_t>{uint64_max, uint64_max - 2}, var, 1.0);
    check_all(std::vector<std::uint64_t>{uint64_max - 2, uint64_max}, var, 1.0);
    check_all(std::vector<std::int64_t>{int64_min, int64_max}, std_0, 0x1p63);
    std::vector<std::int64_t> many;
    for (int k = 0; k < 10'000; ++k) many.push_back(far + k % 10);
    for (const std::int64_t npartitions : {1, 3, 1'000}) {
        CHECK(from_sequence(many, {.npartitions = npartitions}).var().compute() ==
              doctest::Approx(8.25).epsilon(1e-12));
    }
}

TEST_CASE("ddof must be smaller than the number of elements") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(3, 2);
        CHECK(bag.var(2).compute(executor) == 2.0);
        CHECK(bag.var(-1).compute(executor) == 0.5);
        for (const std::int64_t ddof : {std::int64_t{3}, std::int64_t{4}, int64_max}) {
            const auto text =
                text_of<InvalidArgument>([&] { (void)bag.var(ddof).compute(executor); });
            CHECK(text.find("ddof is " + std::to_string(ddof)) != std::string::npos);
            CHECK(text.find("only 3 elements") != std::string::npos);
            CHECK_THROWS_AS((void)bag.std(ddof).compute(executor), InvalidArgument);
        }
    });
}

TEST_CASE("NaN and infinity go through sums, means and variances") {
    const auto with_nan = from_sequence({1.0, not_a_number, 2.0}, {.partition_size = 1});
    CHECK(is_nan(with_nan.sum().compute()));
    CHECK(is_nan(with_nan.prod().compute()));
    CHECK(is_nan(with_nan.mean().compute()));
    CHECK(is_nan(with_nan.var().compute()));
    CHECK(is_nan(with_nan.std().compute()));
    const auto with_infinity = from_sequence({1.0, infinity, 2.0}, {.partition_size = 2});
    CHECK(with_infinity.mean().compute() == infinity);
    CHECK(with_infinity.prod().compute() == infinity);
    CHECK(is_nan(with_infinity.var().compute()));
    CHECK(is_nan(from_sequence({infinity, -infinity}).mean().compute()));
}

TEST_CASE("reductions of random numbers agree with plain loops, for every split_every") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        std::vector<std::int64_t> elements(1 + random(3'000));
        for (auto& x : elements) x = static_cast<std::int64_t>(random(2'000'000)) - 1'000'000;
        const satchel::ReductionOptions options{.split_every = 2 + random(10)};
        const auto bag = from_sequence(elements, {.npartitions = 1 + random(60)});
        double sum = 0;
        for (const auto x : elements) sum += static_cast<double>(x);
        const auto n = static_cast<double>(elements.size());
        double squares = 0;
        for (const auto x : elements) squares += std::pow(static_cast<double>(x) - sum / n, 2);
        const auto [low, high, middle, spread] = satchel::compute(
            bag.min(options), bag.max(options), bag.mean(options), bag.var(0, options));
        CHECK(low == *std::ranges::min_element(elements));
        CHECK(high == *std::ranges::max_element(elements));
        CHECK(middle == doctest::Approx(sum / n).epsilon(1e-13));
        CHECK(spread == doctest::Approx(squares / n).epsilon(1e-12));
    }
}

TEST_CASE("a new handle of the same reduction has the same key") {
    const auto bag = range(10, 2);
    CHECK(bag.min().key() == bag.min().key());
    CHECK(bag.min().key() != bag.max().key());
    CHECK(bag.var().key() != bag.std().key());
    CHECK(bag.var(0).key() != bag.var(1).key());
    CHECK(bag.any().key() != bag.all().key());
}
