// Counts of strings: right for any bytes and sizes, as strings and as views, put together in any
// way, in the order in which they came first.
#include <satchel/archive.hpp>
#include <satchel/detail/counts.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using detail::Counts;
using detail::ViewBatch;
using Strings = std::vector<std::string>;
using Entries = Counts<std::string>::Entries;

namespace {

// Of few letters, so that many are equal but for their sizes, and zeros are among them.
Strings random_strings(std::size_t count, std::size_t size_max, unsigned seed) {
    std::mt19937 random(seed);
    Strings strings(count);
    for (auto& text : strings) {
        text.resize(random() % (size_max + 1));
        for (char& c : text)
            c = std::string_view("\0ab\xFF", 4)[random() % 8 == 0 ? random() % 4 : 1];
    }
    return strings;
}

Entries counts_of(const Strings& strings) {
    Entries entries;
    std::map<std::string, std::size_t> places;
    for (const auto& text : strings) {
        const auto [place, is_new] = places.try_emplace(text, entries.size());
        if (is_new) entries.emplace_back(text, 0);
        ++entries[place->second].second;
    }
    return entries;
}

// As views into one text that ends with them, or with some padding that is to make no difference.
void add_views(Counts<std::string>& counts, const Strings& strings, bool padded, char padding) {
    std::string joined;
    for (const auto& text : strings) joined += text;
    const auto size = joined.size() + (padded ? detail::view_padding : 0);
    const auto exact = std::make_unique<char[]>(size);  // a sanitizer sees its end
    std::fill_n(exact.get(), size, padding);
    std::ranges::copy(joined, exact.get());
    std::vector<std::string_view> views;
    const char* at = exact.get();
    for (const auto& text : strings) {
        views.emplace_back(at, text.size());
        at += text.size();
    }
    counts.add(ViewBatch{views.data(), views.size(), padded});
}

}  // namespace

TEST_CASE("counts: strings of any bytes and sizes") {
    for (const std::size_t size_max : {0U, 3U, 8U, 11U, 12U, 13U, 16U, 40U}) {
        CAPTURE(size_max);
        auto strings = random_strings(20'000, size_max, 1);
        const auto expected = counts_of(strings);
        Counts<std::string> copied, moved, padded, exact;
        copied.add(detail::Batch<std::string>{strings.data(), nullptr, strings.size(), false});
        auto given = strings;
        moved.add(detail::Batch<std::string>{given.data(), nullptr, given.size(), true});
        add_views(padded, strings, true, 'a');
        add_views(exact, strings, false, 'a');
        CHECK(copied.take() == expected);
        CHECK(moved.take() == expected);
        CHECK(padded.take() == expected);
        CHECK(exact.take() == expected);
        Counts<std::string> one_by_one;
        for (std::size_t k = 0; k < strings.size(); ++k) {
            if (k % 2 == 0) {
                one_by_one.add_one(strings[k]);
            } else {
                one_by_one.add_one(std::string(strings[k]));
            }
        }
        CHECK(one_by_one.take() == expected);
    }
}

TEST_CASE("counts: more strings than fit into a cache, and more of each than fit into 32 bits") {
    Strings many;
    for (int k = 0; k < 300'000; ++k) {
        many.push_back(std::to_string(k) + std::string(k % 3 == 0 ? 10U : 0U, 'x'));
    }
    const std::vector<std::size_t> times{UINT32_MAX, 1, UINT64_MAX / 4};
    Entries entries;
    for (std::size_t k = 0; k < 1'000; ++k) entries.emplace_back(many[k], times[k % times.size()]);
    auto counts = decode<Counts<std::string>>(encode(entries));  // the same bytes
    add_views(counts, many, true, '9');
    Counts<std::string> all;
    all.merge(std::move(counts));
    auto again = decode<Counts<std::string>>(encode(entries));
    all.merge(std::move(again));
    const auto taken = all.take();
    REQUIRE(taken.size() == many.size());
    for (std::size_t k = 0; k < many.size(); ++k) {
        REQUIRE(taken[k].first == many[k]);
        REQUIRE(taken[k].second == (k < 1'000 ? 2 * times[k % times.size()] : 0) + 1);
    }
}

// So many that the pieces of hash that they are compared by first are equal for some, and the parts
// of a table for texts that are no words are filled to their ends.
TEST_CASE("counts: many long strings of one size") {
    Strings strings;
    for (int k = 0; k < 300'000; ++k) {
        auto text = std::to_string(k);
        text.insert(0, 17 - text.size(), '0');
        strings.push_back(std::move(text));
    }
    Counts<std::string> counts, later;
    add_views(counts, strings, true, 'x');
    add_views(later, strings, false, 'x');
    counts.merge(std::move(later));
    const auto taken = counts.take();
    REQUIRE(taken.size() == strings.size());
    for (std::size_t k = 0; k < strings.size(); ++k) {
        REQUIRE(taken[k].first == strings[k]);
        REQUIRE(taken[k].second == 2);
    }
}

TEST_CASE("counts: put together, sent, and gone on with") {
    const auto one = random_strings(5'000, 20, 2);
    const auto other = random_strings(5'000, 30, 3);
    const auto last = random_strings(5'000, 25, 4);
    Counts<std::string> earlier, later;
    add_views(earlier, one, true, '\0');
    add_views(later, other, true, '\xFF');
    auto sent = decode<Counts<std::string>>(encode(later));
    earlier.merge(std::move(sent));
    auto both = decode<Counts<std::string>>(encode(earlier));
    add_views(both, last, false, 'x');
    Strings all = one;
    all.insert(all.end(), other.begin(), other.end());
    CHECK(earlier.take() == counts_of(all));
    CHECK(earlier.take().empty());
    all.insert(all.end(), last.begin(), last.end());
    CHECK(both.take() == counts_of(all));
}
