// Words and lines of a text, found in each way that this processor knows.
#include "bag/scan_text.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel::detail;
using namespace std::string_view_literals;
using Words = std::vector<std::string_view>;

namespace {

constexpr auto white_space = " \t\n\v\f\r"sv;

Words words_of(std::string_view text) {
    Words words;
    for (auto begin = text.find_first_not_of(white_space); begin != text.npos;) {
        const auto end = std::min(text.find_first_of(white_space, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(white_space, end);
    }
    return words;
}

// With their ends; the number of bytes that they have.
std::size_t add_lines_of(std::string_view text, char end, Words& lines) {
    std::size_t begin = 0;
    for (auto at = text.find(end); at != text.npos; at = text.find(end, begin)) {
        lines.push_back(text.substr(begin, at + 1 - begin));
        begin = at + 1;
    }
    return begin;
}

Words words_in(const ViewList& views) { return {views.data(), views.data() + views.size()}; }

void require_same(const Words& found, const Words& expected) {
    REQUIRE(found == expected);
    for (std::size_t k = 0; k < found.size(); ++k) REQUIRE(found[k].data() == expected[k].data());
}

void check_words(const TextScan& scan, std::string_view text) {
    Words expected{"first"sv};
    for (const auto word : words_of(text)) expected.push_back(word);
    ViewList words;
    words.push_back(expected.front());  // what is there stays
    scan.add_words(text, words);
    require_same(words_in(words), expected);
}

void check_parts(const TextScan& scan, std::string_view text, char end) {
    Words lines;
    const auto bytes = add_lines_of(text, end, lines);
    ViewList found;
    REQUIRE(scan.add_parts(text, end, true, text.size() + 1, found) == bytes);
    require_same(words_in(found), lines);
    for (auto& line : lines) line.remove_suffix(1);
    found.clear();
    REQUIRE(scan.add_parts(text, end, false, text.size() + 1, found) == bytes);
    require_same(words_in(found), lines);
    // A few at a time.
    Words again;
    for (auto rest = text;;) {
        found.clear();
        const auto some = scan.add_parts(rest, end, false, 3, found);
        if (found.size() == 0) break;
        for (const auto part : words_in(found)) again.push_back(part);
        rest.remove_prefix(some);
    }
    require_same(again, lines);
}

void check(std::string_view text) {
    const auto exact = std::make_unique<char[]>(text.size());  // a sanitizer sees its end
    text.copy(exact.get(), text.size());
    const std::string_view alone(exact.get(), text.size());
    for (const auto& scan : text_scans()) {
        check_words(scan, alone);
        check_parts(scan, alone, ' ');
        check_parts(scan, alone, '\0');
    }
}

}  // namespace

TEST_CASE("scan text: nothing, spaces alone, one word") {
    check("");
    for (std::size_t size = 1; size < 200; ++size) {
        check(std::string(size, ' '));
        check(std::string(size, 'x'));
        check(std::string(size, 'x') + '\n');
        check('\t' + std::string(size, 'x'));
    }
}

TEST_CASE("scan text: as many in a block as there can be") {
    for (const auto unit : {"a "sv, " a"sv, "ab "sv, "a  "sv, "\0 "sv}) {
        std::string text;
        while (text.size() < 400) {
            text += unit;
            check(text);
        }
    }
}

TEST_CASE("scan text: any bytes, words of any size") {
    std::mt19937 random(1);
    for (int round = 0; round < 3'000; ++round) {
        CAPTURE(round);
        const auto one_in = 1 + random() % (round % 2 == 0 ? 4 : 100);
        std::string text(random() % 500, '\0');
        for (char& c : text) {
            c = random() % one_in == 0 ? white_space[random() % white_space.size()]
                                       : static_cast<char>(random());
        }
        check(text);
    }
}
