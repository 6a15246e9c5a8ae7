// Making bags: what they can be made of, and how they are divided into partitions.
#include <satchel/bag.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::from_sequence;
using satchel::range;
using satchel::SynchronousExecutor;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::text_of;

using Sizes = std::vector<std::size_t>;

namespace {

const SynchronousExecutor synchronous;

template <class T>
Sizes sizes(const Bag<T>& bag) {
    return bag.map_partitions([](std::span<const T> partition) { return partition.size(); })
        .compute(synchronous);
}

std::vector<int> first_numbers(int n) {
    std::vector<int> numbers;
    for (int k = 0; k < n; ++k) numbers.push_back(k);
    return numbers;
}

template <class T, class Range>
void check_made_of(Range&& given, const std::vector<T>& expected) {
    const auto bag = from_sequence(std::forward<Range>(given), {.npartitions = 2});
    static_assert(std::is_same_v<decltype(bag), const Bag<T>>);
    CHECK(bag.npartitions() == 2);
    CHECK(bag.compute(synchronous) == expected);
}

}  // namespace

TEST_CASE("npartitions: min(k, n) partitions whose sizes differ by at most one") {
    for (int n = 0; n <= 40; ++n) {
        for (int k = 1; k <= 45; ++k) {
            const auto bag = from_sequence(first_numbers(n), {.npartitions = k});
            const auto parts = sizes(bag);
            REQUIRE(bag.npartitions() == std::max(1, std::min(k, n)));
            REQUIRE(parts.size() == static_cast<std::size_t>(bag.npartitions()));
            const auto [least, most] = std::ranges::minmax(parts);
            REQUIRE(most - least <= 1);
            REQUIRE(bag.compute(synchronous) == first_numbers(n));
        }
    }
}

TEST_CASE("partition_size: all partitions full but the last") {
    CHECK(sizes(from_sequence(first_numbers(10), {.partition_size = 3})) == Sizes{3, 3, 3, 1});
    CHECK(sizes(from_sequence(first_numbers(9), {.partition_size = 3})) == Sizes{3, 3, 3});
    CHECK(sizes(from_sequence(first_numbers(2), {.partition_size = 3})) == Sizes{2});
    CHECK(sizes(from_sequence(first_numbers(3), {.partition_size = 1})) == Sizes{1, 1, 1});
    CHECK(sizes(from_sequence(first_numbers(0), {.partition_size = 5})) == Sizes{0});
    CHECK(sizes(from_sequence(first_numbers(3), {.partition_size = INT64_MAX})) == Sizes{3});
    for (int n = 1; n <= 30; ++n) {
        for (int size = 1; size <= 32; ++size) {
            const auto bag = from_sequence(first_numbers(n), {.partition_size = size});
            REQUIRE(bag.npartitions() == (n + size - 1) / size);
            REQUIRE(bag.compute(synchronous) == first_numbers(n));
        }
    }
}

TEST_CASE("neither: one element each up to 100, then a tenth of the root of their number") {
    const auto divided = [](int n) {
        const auto parts = sizes(from_sequence(first_numbers(n)));
        return std::pair(parts.size(), parts.front());
    };
    using Parts = std::pair<std::size_t, std::size_t>;
    CHECK(divided(0) == Parts{1, 0});
    CHECK(divided(1) == Parts{1, 1});
    CHECK(divided(100) == Parts{100, 1});
    CHECK(divided(101) == Parts{51, 2});
    CHECK(divided(400) == Parts{200, 2});
    CHECK(divided(401) == Parts{134, 3});
    CHECK(divided(1'000) == Parts{250, 4});
    CHECK(divided(10'000) == Parts{1'000, 10});
    CHECK(divided(10'001) == Parts{910, 11});
    CHECK(divided(1'000'000) == Parts{10'000, 100});
}

TEST_CASE("counts that cannot be are refused at the call") {
    const auto refused = [](satchel::SequenceOptions options) {
        return text_of<satchel::InvalidArgument>(
            [&] { (void)from_sequence(first_numbers(5), options); });
    };
    CHECK(refused({.npartitions = 0}).find("npartitions is 0") != std::string::npos);
    CHECK(refused({.npartitions = -1}).find("-1") != std::string::npos);
    CHECK(refused({.npartitions = std::int64_t{1} << 31}).find("2147483648") != std::string::npos);
    CHECK(refused({.partition_size = 0}).find("partition_size is 0") != std::string::npos);
    CHECK(refused({.partition_size = -7}).find("-7") != std::string::npos);
    CHECK(refused({.npartitions = 2, .partition_size = 2}).find("both") != std::string::npos);
    CHECK_THROWS_AS((void)from_sequence(std::vector<int>{}, {.npartitions = 0}),
                    satchel::InvalidArgument);
}

TEST_CASE("range counts off, in balanced partitions") {
    CHECK(range(10, 3).compute(synchronous) ==
          std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(sizes(range(10, 3)) == Sizes{4, 3, 3});
    CHECK(sizes(range(3, 5)) == Sizes{1, 1, 1, 0, 0});
    CHECK(sizes(range(0, 4)) == Sizes{0, 0, 0, 0});
    CHECK(range(0, 1).compute(synchronous).empty());
    CHECK(sizes(range(100'000, 1)) == Sizes{100'000});
    CHECK(range(INT64_MAX, 1000).take(2, {}, synchronous) == std::vector<std::int64_t>{0, 1});
    CHECK_THROWS_AS((void)range(-1, 1), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)range(1, 0), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)range(1, -2), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)range(1, std::int64_t{1} << 31), satchel::InvalidArgument);
}

TEST_CASE("range stores nothing, however many there are") {
    const auto bag = range(std::int64_t{1} << 62, INT32_MAX).map([](std::int64_t x) { return -x; });
    CHECK(bag.npartitions() == INT32_MAX);
    CHECK(bag.take(3, {}, synchronous) == std::vector<std::int64_t>{0, -1, -2});
}

TEST_CASE("bags are made of any range") {
    const std::vector<int> expected{1, 2, 3};
    const std::vector<int> vector{1, 2, 3};
    const int array[] = {1, 2, 3};
    check_made_of(vector, expected);
    check_made_of(std::vector<int>{1, 2, 3}, expected);
    check_made_of(array, expected);
    check_made_of(std::array{1, 2, 3}, expected);
    check_made_of(std::span(vector), expected);
    check_made_of(std::list{1, 2, 3}, expected);
    check_made_of(std::forward_list{1, 2, 3}, expected);
    check_made_of(std::set{3, 2, 1}, expected);
    check_made_of(std::views::iota(1, 4), expected);
    check_made_of(vector | std::views::transform([](int x) { return x; }), expected);
    check_made_of(vector | std::views::filter([](int x) { return x > 0; }), expected);
    std::istringstream text("1 2 3");
    check_made_of(std::ranges::istream_view<int>(text), expected);
    check_made_of(std::string("abc"), std::vector{'a', 'b', 'c'});
    check_made_of(std::string_view("abc"), std::vector{'a', 'b', 'c'});
    check_made_of(std::vector<bool>{true, false, true}, std::vector<bool>{true, false, true});
    check_made_of(std::vector<const char*>{"a", "b"}, std::vector<std::string>{"a", "b"});
    check_made_of(std::vector<std::string_view>{"a", "b"}, std::vector<std::string>{"a", "b"});
    check_made_of(std::map<int, int>{{1, 2}, {3, 4}},
                  std::vector<std::pair<int, int>>{{1, 2}, {3, 4}});
}

TEST_CASE("bags are made of lists in braces") {
    CHECK(from_sequence({1, 2, 3}).compute(synchronous) == std::vector{1, 2, 3});
    CHECK(from_sequence({"a", "b"}).compute(synchronous) == std::vector<std::string>{"a", "b"});
    CHECK(from_sequence({true, false}).compute(synchronous) == std::vector<bool>{true, false});
    CHECK(from_sequence({1.5}, {.npartitions = 3}).npartitions() == 1);
    CHECK(from_sequence({std::string("x")}).compute(synchronous).front() == "x");
}

TEST_CASE("an rvalue's elements are moved, an lvalue's copied") {
    Census census;
    const auto some = [&] {
        std::vector<Counted> elements;
        elements.reserve(5);
        for (int k = 0; k < 5; ++k) elements.emplace_back(census, k);
        return elements;
    };
    {
        const auto bag = from_sequence(some());
        CHECK(census.copies.load() == 0);
        auto vector = some();
        std::list<Counted> list(std::make_move_iterator(vector.begin()),
                                std::make_move_iterator(vector.end()));
        const auto from_list = from_sequence(std::move(list));
        CHECK(census.copies.load() == 0);
        const auto kept = some();
        const auto from_lvalue = from_sequence(kept);
        CHECK(census.copies.load() == 5);
        const auto from_span = from_sequence(std::span<const Counted>(kept));
        CHECK(census.copies.load() == 10);
        CHECK(kept.front().number == 0);
    }
    CHECK(census.alive.load() == 0);
}

TEST_CASE("an element that was moved out of a view's source would be lost") {
    std::vector<std::string> source{"a long enough string not to be copied cheaply", "b"};
    const auto bag = from_sequence(std::views::all(source));
    CHECK(source.front().size() > 1);
    CHECK(bag.compute(synchronous) == source);
}

TEST_CASE("changing the range afterwards does not change the bag") {
    std::vector<int> source{1, 2, 3};
    const auto bag = from_sequence(source);
    source[0] = 100;
    CHECK(bag.compute(synchronous) == std::vector{1, 2, 3});
}

TEST_CASE("a sequence that came from another process may be asked for a partition again") {
    using Sequence = satchel::detail::Sequence<std::string>;
    const Sequence sequence{
        std::make_shared<satchel::detail::Items<std::string>>(std::vector<std::string>{"a", "b"}),
        {.size = 2}};
    const auto sent = satchel::decode<Sequence>(satchel::encode(sequence));
    const auto state = satchel::Value::of(sent);
    satchel::Arguments arguments(nullptr, nullptr, nullptr, 0, 0);
    satchel::detail::Binding binding(arguments, 0, 0, true, nullptr);
    const auto stream = satchel::detail::typed<std::string>(Sequence::open(state, binding));
    satchel::detail::Batch<std::string> batch;
    REQUIRE(stream->next(batch));
    CHECK(batch.size == 2);
    CHECK_FALSE(batch.owned);
}

TEST_CASE("a sequence that came from another process gives what cannot be copied once") {
    using Owner = std::unique_ptr<int>;
    using Sequence = satchel::detail::Sequence<Owner>;
    Sequence sequence{std::make_shared<satchel::detail::Items<Owner>>(), {.size = 1}};
    sequence.items->push_back(std::make_unique<int>(7));
    const auto state =
        satchel::Value::of(satchel::decode<Sequence>(satchel::encode(std::as_const(sequence))));
    satchel::Arguments arguments(nullptr, nullptr, nullptr, 0, 0);
    satchel::detail::Binding looking(arguments, 0, 0, false, nullptr);
    CHECK_NOTHROW((void)Sequence::open(state, looking));
    CHECK_NOTHROW((void)Sequence::open(state, looking));
    satchel::detail::Binding binding(arguments, 0, 0, true, nullptr);
    const auto stream = satchel::detail::typed<Owner>(Sequence::open(state, binding));
    satchel::detail::Batch<Owner> batch;
    REQUIRE(stream->next(batch));
    CHECK(batch.owned);
    CHECK(text_of<satchel::Error>([&] {
              (void)Sequence::open(state, binding);
          }).starts_with("from_sequence: partition 0 is needed once more"));
}
