// Words of a text, found in each way that this processor knows.
#include "bag/split_words.hpp"

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

// Behind others, which stay.
Words added_by(AddWords add_words, std::string_view text) {
    ViewList words;
    words.push_back("first"sv);
    add_words(text, words);
    REQUIRE(words.size() > 0);
    REQUIRE(*words.data() == "first"sv);
    return {words.data() + 1, words.data() + words.size()};
}

void check(std::string_view text) {
    const auto exact = std::make_unique<char[]>(text.size());  // a sanitizer sees its end
    text.copy(exact.get(), text.size());
    const std::string_view alone(exact.get(), text.size());
    const auto expected = words_of(alone);
    for (const auto add_words : ways_to_add_words()) {
        const auto words = added_by(add_words, alone);
        REQUIRE(words == expected);
        for (std::size_t k = 0; k < words.size(); ++k)
            REQUIRE(words[k].data() == expected[k].data());
    }
}

}  // namespace

TEST_CASE("split words: nothing, spaces alone, one word") {
    check("");
    for (std::size_t size = 1; size < 200; ++size) {
        check(std::string(size, ' '));
        check(std::string(size, 'x'));
        check(std::string(size, 'x') + '\n');
        check('\t' + std::string(size, 'x'));
    }
}

TEST_CASE("split words: as many in a block as there can be") {
    for (const auto unit : {"a "sv, " a"sv, "ab "sv, "a  "sv, "\0 "sv}) {
        std::string text;
        while (text.size() < 400) {
            text += unit;
            check(text);
        }
    }
}

TEST_CASE("split words: any bytes, words of any size") {
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
