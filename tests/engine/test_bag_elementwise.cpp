// Element-wise operations beyond map, filter and flatten: those with extra arguments, those on
// tuples and keys, zip, concat, accumulate.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <iomanip>  // whose std::quoted must not be taken for the library's own
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::concat;
using satchel::delayed;
using satchel::Executor;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::KeyError;
using satchel::LengthError;
using satchel::range;
using satchel::zip;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace {

using Numbers = std::vector<std::int64_t>;
using Strings = std::vector<std::string>;

struct Person {
    std::string name;
    int age = 0;
};

const std::vector<Person> people{{"Ada", 36}, {"Bo", 7}, {"Cy", 50}};

std::string word(std::int64_t k) {
    return "a word too long to lie in itself: " + std::to_string(k);
}

}  // namespace

// ---- map with extra arguments -------------------------------------------------------------------

TEST_CASE("map with values gives every element the same ones") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(5, 2);
        const auto join = [](std::int64_t x, const std::string& a, char b) {
            return std::to_string(x) + a + b;
        };
        CHECK(bag.map(join, std::string("-"), '!').compute(executor) ==
              Strings{"0-!", "1-!", "2-!", "3-!", "4-!"});
        CHECK(bag.map(std::plus<>{}, 10).compute(executor) == Numbers{10, 11, 12, 13, 14});
        CHECK(range(0, 3).map(std::plus<>{}, 10).compute(executor).empty());
    });
}

TEST_CASE("map with delayed values computes them once") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto offset = delayed([&calls](std::int64_t x) {
            ++calls;
            return x;
        })(std::int64_t{100});
        const auto bag = range(5, 3);
        CHECK(bag.map(std::plus<>{}, offset).compute(executor) == Numbers{100, 101, 102, 103, 104});
        CHECK(calls == 1);
        CHECK(bag.map(std::plus<>{}, bag.sum()).compute(executor) == Numbers{10, 11, 12, 13, 14});
        CHECK(
            bag.map([](std::int64_t x, double m) { return static_cast<double>(x) - m; }, bag.mean())
                .compute(executor) == std::vector<double>{-2, -1, 0, 1, 2});
    });
}

TEST_CASE("map with bags takes their elements along") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 4, 9}) {
            const auto numbers = range(5'000, npartitions);
            const auto words = numbers.map(word);
            const auto join = [](std::int64_t x, const std::string& text, std::int64_t square,
                                 char end) {
                return std::to_string(x) + text + std::to_string(square) + end;
            };
            const auto joined =
                numbers.map(join, words, numbers.map([](std::int64_t x) { return x * x; }), ';')
                    .compute(executor);
            REQUIRE(joined.size() == 5'000);
            for (std::int64_t k = 0; k < 5'000; ++k) {
                CHECK(joined[static_cast<std::size_t>(k)] ==
                      std::to_string(k) + word(k) + std::to_string(k * k) + ";");
            }
        }
    });
}

TEST_CASE("a bag may go along with itself") {
    on_each_executor([](const Executor& executor) {
        const auto source = from_sequence(Numbers{1, 2, 3, 4}, {.npartitions = 2});
        const auto mapped = source.map([](std::int64_t x) { return x + 1; });
        CHECK(source.map(std::multiplies<>{}, source).compute(executor) == Numbers{1, 4, 9, 16});
        CHECK(mapped.map(std::multiplies<>{}, mapped).compute(executor) == Numbers{4, 9, 16, 25});
        auto words = from_sequence(Strings{"a", "b"}).map([](std::string x) { return x + x; });
        auto both = words.map(std::plus<>{}, words);
        words = from_sequence(Strings{});
        CHECK(std::move(both).compute(executor) == Strings{"aaaa", "bbbb"});
    });
}

TEST_CASE("bags that go along need equal numbers of partitions, which is checked at the call") {
    const auto three = range(6, 3);
    const auto two = range(6, 2);
    const auto text = text_of<InvalidArgument>([&] { (void)three.map(std::plus<>{}, two); });
    CHECK(text.starts_with("map: the bags have 3 and 2 partitions"));
    const auto zipped = text_of<InvalidArgument>([&] { (void)zip(three, three, two); });
    CHECK(zipped.starts_with("zip: the bags have 3 and 2 partitions"));
    CHECK_THROWS_AS(
        (void)three.map_partitions([](const Numbers& a, const Numbers&) { return a; }, two),
        InvalidArgument);
}

TEST_CASE("bags that go along need partitions of equal length, to the element") {
    // Dask gives [0, 3] for the second pair of them, without a word.
    const std::vector<std::pair<Numbers, Numbers>> sizes{{{3}, {2}},         {{2, 2}, {1, 1}},
                                                         {{2, 2}, {2, 1}},   {{1, 0}, {0, 1}},
                                                         {{1'024}, {1'025}}, {{0, 1}, {0, 0}}};
    const auto sized = [](const Numbers& lengths) {
        return from_sequence(lengths)
            .map([](std::int64_t n) { return Numbers(static_cast<std::size_t>(n)); })
            .flatten();
    };
    on_each_executor([&](const Executor& executor) {
        for (const auto& [one, other] : sizes) {
            for (const bool swapped : {false, true}) {
                const auto a = sized(swapped ? other : one);
                const auto b = sized(swapped ? one : other);
                const auto text =
                    text_of<LengthError>([&] { (void)a.map(std::plus<>{}, b).compute(executor); });
                CHECK(text.starts_with("map: partition "));
                CHECK_THROWS_AS((void)zip(a, a, b).compute(executor), LengthError);
                CHECK_THROWS_AS((void)zip(b, a).count().compute(executor), LengthError);
            }
        }
        CHECK_NOTHROW((void)zip(sized({2, 0, 1}), sized({2, 0, 1})).compute(executor));
    });
}

TEST_CASE("the function of a map with more arguments may ask for the stop token") {
    const auto is_running = [](std::int64_t x, std::int64_t y, const std::stop_token& token) {
        return token.stop_requested() ? -1 : x + y;
    };
    CHECK(range(3, 2).map(is_running, 5).compute() == Numbers{5, 6, 7});
    const auto on_tuple = [](int a, int b, const std::stop_token& token) {
        return token.stop_requested() ? -1 : a + b;
    };
    CHECK(from_sequence(std::vector<std::pair<int, int>>{{1, 2}}).starmap(on_tuple).compute() ==
          std::vector<int>{3});
    const auto is_even = [](std::int64_t x, const std::stop_token&) { return x % 2 == 0; };
    CHECK(range(5, 2).remove(is_even).compute() == Numbers{1, 3});
}

TEST_CASE("map_partitions with extra arguments") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(6, 3);
        const auto add = [](std::span<const std::int64_t> part, std::int64_t offset) {
            Numbers sums;
            for (const auto x : part) sums.push_back(x + offset);
            return sums;
        };
        CHECK(bag.map_partitions(add, 10).compute(executor) == Numbers{10, 11, 12, 13, 14, 15});
        CHECK(bag.map_partitions(add, bag.max()).compute(executor) == Numbers{5, 6, 7, 8, 9, 10});
        const auto sizes = [](const Numbers& a, const std::vector<std::string>& b,
                              const std::string& text) {
            return text + std::to_string(a.size()) + std::to_string(b.size());
        };
        // Whole partitions may differ in length.
        const auto words = from_sequence(Strings{"a", "b", "c", "d"}, {.npartitions = 3});
        CHECK(bag.map_partitions(sizes, words, std::string("n")).compute(executor) ==
              Strings{"n22", "n21", "n21"});
        const auto flags = bag.map([](std::int64_t x) { return x % 2 == 0; });
        const auto any = [](std::span<const bool> part, bool wanted) {
            return std::ranges::count(part, wanted);
        };
        CHECK(flags.map_partitions(any, true).compute(executor) ==
              std::vector<std::ptrdiff_t>{1, 1, 1});
        const auto with_flags = [](const Numbers& part, const std::vector<bool>& own) {
            return std::pair(part.size(), own.size());
        };
        CHECK(bag.map_partitions(with_flags, flags).compute(executor).at(1) ==
              std::pair(std::size_t{2}, std::size_t{2}));
    });
}

// ---- starmap, remove, pluck, unzip --------------------------------------------------------------

TEST_CASE("extra arguments that cannot be copied, and elements that are looked at") {
    std::vector<std::unique_ptr<int>> owners;
    owners.push_back(std::make_unique<int>(2));
    owners.push_back(std::make_unique<int>(3));
    const auto bag = from_sequence(std::move(owners));
    const auto plus = [](const std::unique_ptr<int>& p, const std::unique_ptr<int>& k) {
        return *p + *k;
    };
    const auto size_plus = [](std::span<const std::int64_t> p, const std::unique_ptr<int>& k) {
        return static_cast<int>(p.size()) + *k;
    };
    on_each_executor([&](const Executor& executor) {
        const auto more = bag.map(plus, std::make_unique<int>(5));
        CHECK(more.compute(executor) == std::vector{7, 8});
        CHECK(more.compute(executor) == std::vector{7, 8});
        CHECK(range(5, 2).map_partitions(size_plus, std::make_unique<int>(3)).compute(executor) ==
              std::vector{6, 5});
    });
    Census census;
    const auto look = [](std::span<const std::int64_t>, const Counted& c) { return c.number; };
    CHECK(range(5, 4)
              .map_partitions(look, Counted(census, 1))
              .compute(satchel::SynchronousExecutor{}) == std::vector{1, 1, 1, 1});
    CHECK(census.copies.load() == 0);
}

TEST_CASE("starmap calls with the parts of tuples, pairs and arrays") {
    on_each_executor([](const Executor& executor) {
        using Pair = std::pair<int, int>;
        const auto pairs = from_sequence(std::vector<Pair>{{1, 2}, {3, 4}});
        CHECK(pairs.starmap(std::plus<>{}).compute(executor) == std::vector<int>{3, 7});
        CHECK(pairs.starmap([](auto... x) { return (x + ...); }).compute(executor) ==
              std::vector<int>{3, 7});
        using Triple = std::tuple<int, std::string, char>;
        const auto triples = from_sequence(std::vector<Triple>{{1, "a", 'x'}, {2, "b", 'y'}});
        const auto join = [](int n, const std::string& text, char c) {
            return std::to_string(n) + text + c;
        };
        CHECK(triples.starmap(join).compute(executor) == Strings{"1ax", "2by"});
        const auto arrays = from_sequence(std::vector<std::array<int, 3>>{{1, 2, 3}});
        CHECK(arrays.starmap([](int a, int b, int c) { return a * b * c; }).compute(executor) ==
              std::vector<int>{6});
        const auto by_value = [](int n, std::string text, char) {
            text += std::to_string(n);
            return text;
        };
        CHECK(triples.starmap(by_value).compute(executor) == Strings{"a1", "b2"});
        CHECK(triples.compute(executor).size() == 2);  // and they were not moved from
    });
}

TEST_CASE("starmap moves the parts of elements that nobody else can see") {
    const auto boxes = range(3, 2).map(
        [](std::int64_t x) { return std::pair(std::make_unique<std::int64_t>(x), x); });
    const auto take = [](std::unique_ptr<std::int64_t> box, std::int64_t x) { return *box + x; };
    CHECK(boxes.starmap(take).compute() == Numbers{0, 2, 4});
}

TEST_CASE("remove drops what filter keeps") {
    on_each_executor([](const Executor& executor) {
        const auto is_odd = [](std::int64_t x) { return x % 2; };  // converts to bool
        CHECK(range(7, 3).remove(is_odd).compute(executor) == Numbers{0, 2, 4, 6});
        CHECK(range(0, 2).remove(is_odd).compute(executor).empty());
        CHECK(from_sequence(Strings{"a", "", "b"}).remove(&std::string::empty).compute(executor) ==
              Strings{"a", "b"});
        const auto by_value = [](std::string text) { return text == "b"; };
        CHECK(from_sequence(Strings{"a", "b"}).remove(by_value).compute(executor) == Strings{"a"});
        // A partition that becomes empty stays.
        CHECK(range(3, 3).remove([](std::int64_t x) { return x == 1; }).npartitions() == 3);
    });
}

TEST_CASE("pluck by index: parts of tuples, pairs and arrays") {
    on_each_executor([](const Executor& executor) {
        using Triple = std::tuple<int, std::string, double>;
        const auto bag = from_sequence(std::vector<Triple>{{1, "a", 0.5}, {2, "b", 1.5}});
        CHECK(bag.pluck<0>().compute(executor) == std::vector<int>{1, 2});
        CHECK(bag.pluck<1>().compute(executor) == Strings{"a", "b"});
        CHECK(bag.pluck<2>().sum().compute(executor) == 2.0);
        const auto arrays = from_sequence(std::vector<std::array<bool, 2>>{{true, false}});
        CHECK(arrays.pluck<1>().compute(executor) == std::vector<bool>{false});
    });
}

TEST_CASE("pluck of members") {
    on_each_executor([](const Executor& executor) {
        CHECK(from_sequence(people).pluck(&Person::name).compute(executor) ==
              Strings{"Ada", "Bo", "Cy"});
        CHECK(from_sequence(people).pluck(&Person::age).max().compute(executor) == 50);
        CHECK(from_sequence({"a", "bcd"}).pluck(&std::string::size).sum().compute(executor) == 4);
    });
}

TEST_CASE("pluck by the key of maps and the index of vectors") {
    on_each_executor([](const Executor& executor) {
        using Map = std::map<std::string, int>;
        const auto maps = from_sequence(std::vector<Map>{{{"x", 1}, {"y", 2}}, {{"x", 3}}});
        CHECK(maps.pluck("x").compute(executor) == std::vector<int>{1, 3});
        CHECK(maps.pluck(std::string("x")).compute(executor) == std::vector<int>{1, 3});
        CHECK(maps.pluck("y", -1).compute(executor) == std::vector<int>{2, -1});
        using Hashed = std::unordered_map<int, std::string>;
        const auto hashed = from_sequence(std::vector<Hashed>{{{7, "a"}}, {}});
        CHECK(hashed.pluck(7, "none").compute(executor) == Strings{"a", "none"});
        const auto vectors = from_sequence(std::vector<std::vector<int>>{{1, 2}, {3}});
        CHECK(vectors.pluck(0).compute(executor) == std::vector<int>{1, 3});
        CHECK(vectors.pluck(1, 9).compute(executor) == std::vector<int>{2, 9});
        CHECK(vectors.pluck(-1, 9).compute(executor) == std::vector<int>{9, 9});
        const auto flags = from_sequence(std::vector<std::vector<bool>>{{true}, {false, true}});
        CHECK(flags.pluck(0).compute(executor) == std::vector<bool>{true, false});
        CHECK(flags.pluck(1, false).compute(executor) == std::vector<bool>{false, true});
        CHECK(from_sequence(Strings{"abc", "de"}).pluck(1).compute(executor) ==
              std::vector<char>{'b', 'e'});
    });
}

TEST_CASE("pluck gives a default only as what it is") {
    const auto maps =
        from_sequence(std::vector<std::map<std::string, std::int8_t>>{{{"x", 1}}, {}});
    CHECK(maps.pluck("x", 7.0).compute() == std::vector<std::int8_t>{1, 7});
    CHECK(maps.pluck("x", -128L).compute() == std::vector<std::int8_t>{1, -128});
    CHECK(text_of<InvalidArgument>([&] {
              (void)maps.pluck("x", 0.5);
          }).starts_with("pluck: the default 0.5 is not among the numbers"));
    CHECK_THROWS_AS((void)maps.pluck("x", 1000), InvalidArgument);
    constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS((void)maps.pluck("x", nan), InvalidArgument);
    const auto flags = from_sequence(std::vector<std::map<std::string, bool>>{{}});
    CHECK_THROWS_AS((void)flags.pluck("x", 7), InvalidArgument);
    const auto texts = from_sequence(std::vector<std::map<std::string, std::string>>{{}});
    CHECK(texts.pluck("x", std::string_view("none")).compute() == std::vector<std::string>{"none"});
}

TEST_CASE("a text in quotes is the sequence of its characters") {
    CHECK(from_sequence("abc").compute() == std::vector<char>{'a', 'b', 'c'});
    CHECK(from_sequence("").compute().empty());
}

TEST_CASE("pluck of a key that an element does not have names it") {
    on_each_executor([](const Executor& executor) {
        using Map = std::map<std::string, int>;
        const auto maps = from_sequence(std::vector<Map>{{{"x", 1}}, {{"y", 3}}});
        const auto text = text_of<KeyError>([&] { (void)maps.pluck("x").compute(executor); });
        CHECK(text.starts_with("pluck: an element has no 'x'"));
        const auto vectors = from_sequence(std::vector<std::vector<int>>{{1, 2}, {3}});
        const auto index = text_of<KeyError>([&] { (void)vectors.pluck(1).compute(executor); });
        CHECK(index.starts_with("pluck: an element has no 1"));
        CHECK_THROWS_AS((void)vectors.pluck(-1).compute(executor), KeyError);
    });
}

TEST_CASE("unzip gives a bag of each part") {
    on_each_executor([](const Executor& executor) {
        using Triple = std::tuple<int, std::string, bool>;
        const auto bag = from_sequence(std::vector<Triple>{{1, "a", true}, {2, "b", false}});
        const auto [numbers, words, flags] = bag.unzip();
        CHECK(numbers.npartitions() == bag.npartitions());
        const auto [a, b, c] = satchel::compute(executor, numbers, words, flags);
        CHECK(a == std::vector<int>{1, 2});
        CHECK(b == Strings{"a", "b"});
        CHECK(c == std::vector<bool>{true, false});
    });
}

TEST_CASE("unzip computes what it unzips once") {
    std::atomic<int> calls{0};
    const auto pairs = range(100, 4).map([&calls](std::int64_t x) {
        ++calls;
        return std::pair(x, 2 * x);
    });
    const auto [ones, twos] = pairs.unzip();
    const auto [a, b] = satchel::compute(ones.sum(), twos.sum());
    CHECK(a == 4'950);
    CHECK(b == 9'900);
    CHECK(calls == 100);
}

// ---- zip, concat --------------------------------------------------------------------------------

TEST_CASE("zip makes tuples of the elements at the same place") {
    on_each_executor([](const Executor& executor) {
        const auto numbers = range(3, 2);
        const auto words = numbers.map([](std::int64_t x) { return std::to_string(x); });
        using Tuple = std::tuple<std::int64_t, std::string, std::int64_t>;
        CHECK(zip(numbers, words, numbers).compute(executor) ==
              std::vector<Tuple>{{0, "0", 0}, {1, "1", 1}, {2, "2", 2}});
        CHECK(zip(numbers).compute(executor).size() == 3);
        CHECK(zip(range(0, 2), range(0, 2)).compute(executor).empty());
        const auto [a, b] = zip(numbers, words).unzip();
        CHECK(a.compute(executor) == Numbers{0, 1, 2});
        CHECK(b.compute(executor) == Strings{"0", "1", "2"});
    });
}

TEST_CASE("zip of bags that are filtered and flattened alike") {
    on_each_executor([](const Executor& executor) {
        const auto keep = [](std::int64_t x) { return x % 3 == 0; };
        const auto twice = [](std::int64_t x) { return Numbers{x, -x}; };
        const auto one = range(10'000, 3).filter(keep).map(twice).flatten();
        const auto other = range(10'000, 3).map(word).filter([](const std::string& text) {
            return std::stoll(text.substr(text.rfind(' '))) % 3 == 0;
        });
        const auto doubled = other.map([](const std::string& x) {
                                      return Strings{x, x};
                                  })
                                 .flatten();
        const auto zipped = zip(one, doubled).compute(executor);
        REQUIRE(zipped.size() == 6'668);
        for (const auto& [x, text] : zipped) CHECK(text == word(std::abs(x)));
    });
}

TEST_CASE("concat puts the partitions of bags one after another") {
    on_each_executor([](const Executor& executor) {
        const auto one = range(3, 2);
        const auto other = from_sequence(Numbers{7, 8}).map([](std::int64_t x) { return x + 1; });
        const auto both = concat(one, other, one);
        CHECK(both.npartitions() == 6);
        CHECK(both.compute(executor) == Numbers{0, 1, 2, 8, 9, 0, 1, 2});
        CHECK(both.sum().compute(executor) == 23);
        CHECK(both.map(std::plus<>{}, 1).compute(executor).size() == 8);
        CHECK(concat(other, other).compute(executor) == Numbers{8, 9, 8, 9});
        CHECK(concat(std::vector<Bag<std::int64_t>>{}).compute(executor).empty());
        CHECK(concat(std::vector<Bag<std::int64_t>>{}).npartitions() == 1);
        CHECK(concat(concat(one, one), one).compute(executor).size() == 9);
        CHECK(concat(one).compute(executor) == Numbers{0, 1, 2});
    });
}

TEST_CASE("what is concatenated can be used beside it") {
    std::atomic<int> calls{0};
    const auto words = range(10, 2).map([&calls](std::int64_t x) {
        ++calls;
        return word(x);
    });
    on_each_executor([&](const Executor& executor) {
        calls = 0;
        const auto [n, all, twice] =
            satchel::compute(executor, words.count(), words, concat(words, words));
        CHECK(n == 10);
        CHECK(all.size() == 10);
        CHECK(twice.size() == 20);
        CHECK(twice[13] == word(3));
        CHECK(calls == 10);
    });
}

// ---- accumulate ---------------------------------------------------------------------------------

TEST_CASE("accumulate runs on across partitions") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t npartitions : {1, 2, 5, 9}) {
            const auto bag = range(6, npartitions);
            CHECK(bag.accumulate(std::plus<>{}).compute(executor) == Numbers{0, 1, 3, 6, 10, 15});
            const auto from_ten = bag.accumulate(std::plus<>{}, 10);
            CHECK(from_ten.compute(executor) == Numbers{10, 10, 11, 13, 16, 20, 25});
            CHECK(from_ten.npartitions() == npartitions);
        }
    });
}

TEST_CASE("accumulate among empty partitions") {
    const auto none = range(0, 2);
    const auto some = range(3, 2);
    on_each_executor([&](const Executor& executor) {
        CHECK(none.accumulate(std::plus<>{}).compute(executor).empty());
        CHECK(none.accumulate(std::plus<>{}, 5).compute(executor) == Numbers{5});
        // Dask fails on an empty first partition.
        CHECK(concat(none, some, none, some).accumulate(std::plus<>{}).compute(executor) ==
              Numbers{0, 1, 3, 3, 4, 6});
        CHECK(concat(none, some).accumulate(std::plus<>{}, -1).compute(executor) ==
              Numbers{-1, -1, 0, 2});
    });
}

TEST_CASE("accumulate into another type, in order") {
    on_each_executor([](const Executor& executor) {
        const auto append = [](std::string text, std::int64_t x) {
            return text + std::to_string(x);
        };
        CHECK(range(3, 2).accumulate(append, "<").compute(executor) ==
              Strings{"<", "<0", "<01", "<012"});
        const auto running_max = [](std::int64_t a, std::int64_t b) { return a > b ? a : b; };
        CHECK(from_sequence(Numbers{3, 1, 4, 1, 5, 2}).accumulate(running_max).compute(executor) ==
              Numbers{3, 3, 4, 4, 5, 5});
        const auto either = [](bool a, bool b) { return a != b; };
        CHECK(from_sequence(std::vector<bool>{true, false, true})
                  .accumulate(either)
                  .compute(executor) == std::vector<bool>{true, true, false});
        CHECK(from_sequence(std::vector<double>{0.5, 0.25})
                  .accumulate(std::plus<>{}, 1)
                  .compute(executor) == std::vector<double>{1, 1.5, 1.75});
    });
}

TEST_CASE("accumulate of many elements, further used") {
    on_each_executor([](const Executor& executor) {
        const auto running = range(20'000, 7).accumulate(std::plus<>{});
        CHECK(running.max().compute(executor) == 199'990'000);
        CHECK(running.take(3, {}, executor) == Numbers{0, 1, 3});
        const auto evens = running.filter([](std::int64_t x) { return x % 2 == 0; });
        CHECK(evens.count().compute(executor) == 10'000);
    });
}

// ---- all of them --------------------------------------------------------------------------------

TEST_CASE("what the user's functions throw comes back as itself") {
    struct Mine : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    const auto fail = [](auto&&...) -> std::int64_t { throw Mine("this one"); };
    on_each_executor([&](const Executor& executor) {
        const auto bag = range(10, 3);
        CHECK(text_of<Mine>([&] { (void)bag.map(fail, 1).compute(executor); }) == "this one");
        CHECK_THROWS_AS((void)bag.map(fail, bag).compute(executor), Mine);
        CHECK_THROWS_AS((void)bag.map_partitions(fail, 1).compute(executor), Mine);
        CHECK_THROWS_AS((void)bag.remove(fail).compute(executor), Mine);
        CHECK_THROWS_AS((void)bag.accumulate(fail).compute(executor), Mine);
        CHECK_THROWS_AS((void)zip(bag, bag).starmap(fail).compute(executor), Mine);
    });
}

TEST_CASE("the same operation on the same bag has the same name, another another") {
    const auto bag = from_sequence(people);
    CHECK(bag.pluck(&Person::name).name() == bag.pluck(&Person::name).name());
    const auto pairs = from_sequence(std::vector<std::pair<int, int>>{{1, 2}});
    CHECK(pairs.pluck<0>().name() == pairs.pluck<0>().name());
    CHECK(pairs.pluck<0>().name() != pairs.pluck<1>().name());
    const auto vectors = from_sequence(std::vector<std::vector<int>>{{1, 2}});
    CHECK(vectors.pluck(0).name() == vectors.pluck(0).name());
    CHECK(vectors.pluck(0).name() != vectors.pluck(1).name());
    CHECK(vectors.pluck(0, 1).name() != vectors.pluck(0, 2).name());
    const auto numbers = range(5, 2);
    const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto subtract = [](std::int64_t a, std::int64_t b) { return a - b; };
    CHECK(numbers.map(add, numbers).name() == numbers.map(add, numbers).name());
    CHECK(numbers.map(add, numbers).name() != numbers.map(subtract, numbers).name());
    CHECK(numbers.map(add, 1).name() == numbers.map(add, 1).name());
    CHECK(numbers.map(add, 1).name() != numbers.map(add, 2).name());
    CHECK(zip(numbers, numbers).name() == zip(numbers, numbers).name());
    CHECK(concat(numbers, numbers).name() == concat(numbers, numbers).name());
    CHECK(numbers.accumulate(add).name() == numbers.accumulate(add).name());
    CHECK(numbers.accumulate(add).name() != numbers.accumulate(subtract).name());
    CHECK(numbers.accumulate(add, 0).name() != numbers.accumulate(add, 1).name());
    CHECK(numbers.random_sample(0.5, 1).name() == numbers.random_sample(0.5, 1).name());
    CHECK(numbers.random_sample(0.5, 1).name() != numbers.random_sample(0.5, 2).name());
    CHECK(numbers.random_sample(0.5).name() != numbers.random_sample(0.5).name());
    const auto size = [](std::span<const std::int64_t> part, int) { return part.size(); };
    CHECK(numbers.map_partitions(size, 1).name() == numbers.map_partitions(size, 1).name());
}
