// Functions that take a std::string_view, and text operations, get the lines of files where they
// lie: the same as they give for strings, in any order and for texts of any size.
#include <satchel/bag.hpp>
#include <satchel/tasks/text.hpp>

#include "tasks/temporary_folder.hpp"
#include "tasks/text_support.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using namespace satchel::testing;
using satchel::test::TemporaryFolder;
using Texts = std::vector<std::string>;

static_assert(detail::takes_view<bool (*)(std::string_view)>);
static_assert(detail::takes_view<std::size_t (*)(const std::string_view&, std::stop_token)>);
static_assert(!detail::takes_view<bool (*)(const std::string&)>);
static_assert(!detail::takes_view<bool (*)()>);
static_assert(!detail::takes_view<std::string>);

namespace {

bool is_short(std::string_view text) { return text.size() < 20; }
std::size_t size_of(std::string_view text) { return text.size(); }
std::string twice(std::string_view text) { return std::string(text) + std::string(text); }

// The same lines as bags: of a file in many small blocks and in one, and of strings.
std::vector<Bag<std::string>> bags_of(const TemporaryFolder& folder, const Texts& lines) {
    std::string text;
    for (const auto& line : lines) text += line;
    const auto path = folder.with("lines.txt", text);
    return {read_text(path, {.blocksize = 1'000}), read_text(path),
            from_sequence(lines, {.npartitions = 3}), read_text(path).persist()};
}

// Lines short and long, and some that are longer than what is handed on at a time.
Texts some_texts() {
    auto lines = split_by_python(some_lines(200'000), "\n");
    for (const std::size_t size : {1U, 70'000U, 600'000U}) {
        lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2),
                     std::string(size, 'x') + "\n");
    }
    return lines;
}

template <class T, class F>
std::vector<T> mapped(const Texts& texts, F f) {
    std::vector<T> results;
    for (const auto& text : texts) results.push_back(f(text));
    return results;
}
template <class F>
Texts filtered(const Texts& texts, F f) {
    Texts kept;
    std::ranges::copy_if(texts, std::back_inserter(kept), f);
    return kept;
}

}  // namespace

static_assert(detail::takes_view<ConstantFunction<is_short>>);
static_assert(detail::takes_view<detail::Negated<ConstantFunction<is_short>>>);

TEST_CASE("functions that look at texts") {
    const TemporaryFolder folder;
    const auto lines = some_texts();
    const auto few = filtered(lines, is_short);
    for (const auto& bag : bags_of(folder, lines)) {
        CHECK(on_threads_too<std::size_t>(bag.map(size_of)) == mapped<std::size_t>(lines, size_of));
        CHECK(on_threads_too<std::string>(bag.map(twice)) == mapped<std::string>(lines, twice));
        CHECK(on_threads_too<std::string>(bag.filter(is_short)) == few);
        CHECK(bag.filter(is_short).count().compute() == few.size());
        CHECK(bag.remove(is_short).count().compute() == lines.size() - few.size());
        CHECK(bag.map(size_of).filter([](std::size_t n) { return n < 20; }).count().compute() ==
              few.size());
        CHECK(bag.filter(is_short).filter(size_of).map(twice).map(size_of).max().compute() == 38);
        CHECK(bag.map(twice).filter(is_short).map(size_of).compute() ==
              mapped<std::size_t>(filtered(mapped<std::string>(lines, twice), is_short), size_of));
        CHECK(bag.map([](std::string_view text, const std::stop_token&) { return text.size(); })
                  .sum()
                  .compute() == bag.map(size_of).sum().compute());
        CHECK(bag.filter(fn<is_short>).map(fn<twice>).count().compute() == few.size());
        CHECK(bag.filter([](std::string_view&& text) { return text.size() < 20; })
                  .map([](const std::string_view&& text) { return text.size(); })
                  .count()
                  .compute() == few.size());
        CHECK(bag.filter(is_short).take(3) == Texts(few.begin(), few.begin() + 3));
        CHECK(bag.map(twice).take(2) ==
              mapped<std::string>(Texts(lines.begin(), lines.begin() + 2), twice));
        std::map<std::string, std::size_t> counts;
        for (const auto& line : few) ++counts[line];
        const auto counted = bag.filter(is_short).frequencies().compute();
        CHECK(std::map(counted.begin(), counted.end()) == counts);
    }
}

TEST_CASE("text operations one behind another, and behind and before functions") {
    const TemporaryFolder folder;
    const auto lines = some_texts();
    const auto by_hand = [](std::string text) {
        std::erase(text, '\n');
        std::erase(text, '\r');
        for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
        return text;
    };
    const auto expected = mapped<std::string>(lines, by_hand);
    for (const auto& bag : bags_of(folder, lines)) {
        const auto upper = bag.replace("\n", "").replace("\r", "").upper();
        CHECK(on_threads_too<std::string>(upper) == expected);
        CHECK(upper.count().compute() == lines.size());
        CHECK(upper.map(size_of).sum().compute() ==
              from_sequence(mapped<std::size_t>(expected, size_of)).sum().compute());
        CHECK(bag.map(by_hand).lower().upper().compute() == expected);
        CHECK(upper.filter(is_short).map(twice).lower().upper().compute() ==
              mapped<std::string>(filtered(expected, is_short), twice));
        CHECK(upper.persist().filter(is_short).compute() == filtered(expected, is_short));
        CHECK(bag.replace("x", std::string(100, 'y')).map(size_of).max().compute() == 60'000'001);
        CHECK(bag.lower().split().flatten().frequencies().compute() ==
              from_sequence(bag.lower().compute()).split().flatten().frequencies().compute());
        CHECK(upper.starts_with("X").compute() ==
              mapped<bool>(expected, [](std::string_view text) { return text.starts_with('X'); }));
        CHECK(upper.match("X*").count().compute() == filtered(expected, [](std::string_view text) {
                                                         return text.starts_with('X');
                                                     }).size());
        CHECK(upper.take(2) == Texts(expected.begin(), expected.begin() + 2));
    }
}

TEST_CASE("take() calls functions for no more lines than it needs") {
    const TemporaryFolder folder;
    const auto lines = split_by_python(some_lines(200'000), "\n");
    for (const auto& bag : bags_of(folder, lines)) {
        std::atomic<int> calls = 0;
        const auto count = [&calls](std::string_view text) {
            ++calls;
            return std::string(text);
        };
        const auto keep = [&calls](std::string_view text) {
            ++calls;
            return !text.empty();
        };
        CHECK(bag.map(count).take(3).size() == 3);
        CHECK(calls.exchange(0) == 3);
        CHECK(bag.map(count).map(size_of).take(2).size() == 2);
        CHECK(calls.exchange(0) == 2);
        CHECK(bag.filter(keep).take(1).size() == 1);
        CHECK(calls.exchange(0) == 1);
        CHECK(bag.upper().remove(keep).take(1).empty());
        CHECK(calls > 1);  // of the first partition
    }
}

TEST_CASE("what a function throws comes out as itself") {
    const TemporaryFolder folder;
    const auto fails = [](std::string_view text) -> bool {
        if (text.starts_with("xx")) throw std::out_of_range("two");
        return true;
    };
    for (const auto& bag : bags_of(folder, {"x\n", "xx\n", "xxx\n"})) {
        CHECK_THROWS_AS((void)bag.filter(fails).count().compute(), std::out_of_range);
        CHECK_THROWS_AS((void)bag.map(fails).compute(), std::out_of_range);
        CHECK_THROWS_AS((void)bag.lower().remove(fails).compute(), std::out_of_range);
    }
}
