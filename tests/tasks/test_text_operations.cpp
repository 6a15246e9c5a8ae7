// lower, upper, strip, split, replace, starts_with and match on bags of strings.
#include <satchel/bag.hpp>

#include "tasks/text_support.hpp"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel;
using namespace satchel::testing;
using Texts = std::vector<std::string>;

namespace {

Bag<std::string> bag_of(Texts texts) { return from_sequence(std::move(texts), {.npartitions = 2}); }

bool matches(const std::string& pattern, const std::string& text) {
    return detail::Matches{pattern}(text);
}

}  // namespace

TEST_CASE("lower and upper change all letters that have one counterpart") {
    const auto bag = bag_of({"Hello, World 42[]", "Línea ÑANDÚ", "Ωmega дом", "straße", ""});
    CHECK(on_threads_too<std::string>(bag.lower()) ==
          Texts{"hello, world 42[]", "línea ñandú", "ωmega дом", "straße", ""});
    CHECK(on_threads_too<std::string>(bag.upper()) ==
          Texts{"HELLO, WORLD 42[]", "LÍNEA ÑANDÚ", "ΩMEGA ДОМ", "STRAßE", ""});
}

TEST_CASE("what is no UTF-8 stays as it is") {
    const Texts odd{"A\xFF\xC3", "\xE9\x80 Z", "\xED\xA0\x80", "\xC0\xC1", "\xF4\x90\x80\x80"};
    CHECK(bag_of(odd).lower().compute() ==
          Texts{"a\xFF\xC3", "\xE9\x80 z", "\xED\xA0\x80", "\xC0\xC1", "\xF4\x90\x80\x80"});
}

TEST_CASE("strip") {
    const auto bag = bag_of({"  a b \r\n", "\n", "", "xxaxx"});
    CHECK(on_threads_too<std::string>(bag.strip()) == Texts{"a b", "", "", "xxaxx"});
    CHECK(bag.strip("").compute() == bag.compute());
    CHECK(bag.strip("x").compute() == Texts{"  a b \r\n", "\n", "", "a"});
}

TEST_CASE("split into words, and by a separator") {
    const auto bag = bag_of({" a  bc\td\n", "", "one", "a,b,,c,"});
    using Lists = std::vector<Texts>;
    CHECK(on_threads_too<Texts>(bag.split()) == Lists{{"a", "bc", "d"}, {}, {"one"}, {"a,b,,c,"}});
    CHECK(bag.split(",").compute() ==
          Lists{{" a  bc\td\n"}, {""}, {"one"}, {"a", "b", "", "c", ""}});
    CHECK(bag.split(',').compute() == bag.split(",").compute());
    CHECK(bag_of({"a--b---c"}).split("--").compute() == Lists{{"a", "b", "-c"}});
    CHECK(bag.split().flatten().count().compute() == 5);
    CHECK_THROWS_AS((void)bag.split(""), InvalidArgument);
}

TEST_CASE("split and flatten in one give the parts of all, many or few, long or short") {
    Texts lines{"", "\n", std::string(5000, 'x')};
    for (int k = 0; k < 3000; ++k) {
        std::string line;
        for (int j = 0; j < k % 37; ++j)
            line += std::string(static_cast<std::size_t>(j), 'a') + " ";
        lines.push_back(line);
        if (k % 1000 == 0) lines.push_back(std::string(9000, ',') + line);
    }
    const auto flat = [](const std::vector<Texts>& lists) {
        Texts all;
        for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
        return all;
    };
    const auto bag = bag_of(lines);
    CHECK(on_threads_too(bag.split().flatten()) == flat(bag.split().compute()));
    CHECK(on_threads_too(bag.split(",").flatten()) == flat(bag.split(",").compute()));
    // Also where the vectors are needed as well.
    const auto words = bag.split();
    const auto [parts, lists] = compute(words.flatten(), words);
    CHECK(parts == flat(lists));
}

namespace {

// The words of a text, byte by byte.
Texts words_of(std::string_view text) {
    Texts words;
    bool in_word = false;
    for (const char c : text) {
        const bool space = std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos;
        if (!space && !in_word) words.emplace_back();
        if (!space) words.back() += c;
        in_word = !space;
    }
    return words;
}

// What lies between separators, place by place.
Texts parts_of(std::string_view text, std::string_view separator) {
    Texts parts(1);
    while (!text.empty()) {
        if (text.starts_with(separator)) {
            parts.emplace_back();
            text.remove_prefix(separator.size());
        } else {
            parts.back() += text.front();
            text.remove_prefix(1);
        }
    }
    return parts;
}

std::string joined(const Texts& parts, const std::string& with) {
    return fmt::format("{}", fmt::join(parts, with));
}

// What an operation appends to what is there already.
template <class F>
std::string written_by(const F& f, std::string_view text) {
    std::string out = "before";
    f.append_to(out, text);
    REQUIRE(out.starts_with("before"));
    return out.substr(6);
}

std::string in_case(std::string text, char first, int step) {
    for (char& c : text) {
        if (c >= first && c < first + 26) c = static_cast<char>(c + step);
    }
    return text;
}

}  // namespace

TEST_CASE("texts of any size are split, searched and changed as byte by byte") {
    std::mt19937 random(1);
    const std::string bytes = "aab,,  \t\n\v\f\r\b\x0E\x1F\x89\xA0";
    for (int k = 0; k < 20'000; ++k) {
        std::vector<char> exact(random() % (k % 8 == 0 ? 300 : 80));  // a sanitizer sees its end
        const auto choices = 1 + random() % bytes.size();
        for (char& c : exact) c = bytes[random() % choices];
        const std::string text(exact.begin(), exact.end());
        CAPTURE(text);
        detail::ViewList views;
        const auto texts = [&] { return Texts(views.data(), views.data() + views.size()); };
        const std::string_view view(exact.data(), exact.size());
        detail::SplitWords{}.add_parts(view, views);
        REQUIRE(texts() == words_of(text));
        for (const std::string separator : {",", ",a", "a,,", "aba", "\xA0"}) {
            views.clear();
            detail::SplitBy{separator}.add_parts(view, views);
            const auto parts = parts_of(text, separator);
            REQUIRE(texts() == parts);
            REQUIRE(written_by(detail::Replace{separator, "<>"}, view) == joined(parts, "<>"));
            REQUIRE(matches("*" + separator + "*", text) == (parts.size() > 1));
        }
    }
}

TEST_CASE("texts of any size get the other case as byte by byte") {
    std::mt19937 random(2);
    for (int k = 0; k < 20'000; ++k) {
        std::vector<char> exact(random() % 70);  // a sanitizer sees its end
        for (char& c : exact) c = static_cast<char>(random() % 128);
        const std::string text(exact.begin(), exact.end());
        const std::string_view view(exact.data(), exact.size());
        CAPTURE(text);
        REQUIRE(written_by(detail::ToUpper{}, view) == in_case(text, 'a', 'A' - 'a'));
        REQUIRE(written_by(detail::ToLower{}, view) == in_case(text, 'A', 'a' - 'A'));
        if (exact.empty()) continue;
        const auto at = random() % exact.size();
        exact[at] = '\xFF';  // no UTF-8, wherever it is
        auto expected = in_case(text, 'a', 'A' - 'a');
        expected[at] = '\xFF';
        REQUIRE(written_by(detail::ToUpper{}, view) == expected);
    }
}

TEST_CASE("replace") {
    const auto bag = bag_of({"aaa", "banana", "", "x"});
    CHECK(on_threads_too<std::string>(bag.replace("a", "bb")) ==
          Texts{"bbbbbb", "bbbnbbnbb", "", "x"});
    CHECK(bag.replace("ana", "").compute() == Texts{"aaa", "bna", "", "x"});
    CHECK(error_of([&] { (void)bag.replace("", "x"); }) ==
          "replace: an empty text is found everywhere; give one of a byte or more");
}

TEST_CASE("starts_with tells, match chooses") {
    const auto bag = bag_of({"abc.txt", "ab", "b.txt", "a\n"});
    CHECK(bag.starts_with("ab").compute() == std::vector<bool>{true, true, false, false});
    CHECK(on_threads_too<std::string>(bag.match("*.txt")) == Texts{"abc.txt", "b.txt"});
    CHECK(bag.match("a?").compute() == Texts{"ab", "a\n"});
}

TEST_CASE("operations follow each other in one loop") {
    const auto bag = bag_of({" One two ", "Three"});
    CHECK(bag.strip().lower().replace("t", "T").split().flatten().upper().compute() ==
          Texts{"ONE", "TWO", "THREE"});
    CHECK(bag.lower().upper().name() == bag.lower().upper().name());
    CHECK(bag.strip().name() == bag.strip().name());
    CHECK(bag.strip("a").name() != bag.strip().name());
    CHECK(bag.split(",").name() == bag.split(",").name());
    CHECK(bag.split(",").name() != bag.split(";").name());
    CHECK(bag.replace("a", "b").name() == bag.replace("a", "b").name());
    CHECK(bag.replace("a", "b").name() != bag.replace("b", "a").name());
    CHECK(bag.starts_with("a").name() == bag.starts_with("a").name());
    CHECK(bag.match("a*").name() == bag.match("a*").name());
    CHECK(bag.match("a*").name() != bag.match("*a").name());
}

TEST_CASE("patterns") {
    CHECK(matches("*", ""));
    CHECK(matches("**a*", "bca"));
    CHECK_FALSE(matches("", "a"));
    CHECK(matches("a*b*c", "aXbXbXc"));
    CHECK_FALSE(matches("a*b*c", "aXbXbX"));
    CHECK(matches("?", "é"));
    CHECK(matches("[a-c]x", "bx"));
    CHECK_FALSE(matches("[!a-c]x", "bx"));
    CHECK(matches("[é-ü]", "ö"));
    CHECK(matches("[]]", "]"));
    CHECK(matches("[!]]", "a"));
    CHECK(matches("[a", "[a"));
    CHECK(matches("[a-]", "-"));
    CHECK(matches("\\*", "\\x"));
    CHECK_FALSE(matches(std::string(40, '*') + "b", std::string(2000, 'a')));
}

TEST_CASE("patterns of stars and letters are found as those of sets are") {
    // A set of one character stands for it, and takes the general way.
    const auto in_sets = [](const std::string& pattern) {
        std::string sets;
        for (const char c : pattern) sets += c == '*' ? std::string(1, c) : fmt::format("[{}]", c);
        return sets;
    };
    std::mt19937 random(1);
    const auto draw = [&](const std::string& letters, std::size_t size_max) {
        std::string text(random() % (size_max + 1), ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        return text;
    };
    int found = 0;
    for (int k = 0; k < 20'000; ++k) {
        const auto pattern = draw("ab*", 5);
        const auto text = draw("ab\x80\xC3", 6);
        const bool matched = matches(pattern, text);
        INFO(pattern, " in ", text);
        REQUIRE(matched == matches(in_sets(pattern), text));
        found += matched ? 1 : 0;
    }
    CHECK(found > 1'000);
    CHECK(found < 19'000);
}
