// Delayed calls as users type them: texts as arguments, parts that only move.
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include <doctest/doctest.h>

using satchel::delayed;

TEST_CASE("what is more than a text equals no other because of its text") {
    struct Tagged : std::string {
        int tag = 0;
    };
    Tagged one, two;
    two.tag = 2;
    const auto tag = delayed([](const Tagged& x) { return x.tag; }, {.pure = true});
    CHECK(satchel::compute(tag(one), tag(two)) == std::tuple{0, 2});
}

TEST_CASE("an argument may be a null pointer") {
    const auto is_null = delayed([](const char* x) { return x == nullptr; });
    CHECK(is_null(static_cast<const char*>(nullptr)).compute());
    CHECK(!is_null("").compute());
}

TEST_CASE("a text in quotes is kept as a string") {
    char text[] = "abc";
    const auto length = delayed([](const std::string& x, std::string y) { return x + y; });
    const auto call = length(text, "d");
    text[0] = 'x';
    CHECK(call.compute() == "abcd");
    CHECK(delayed([](auto x) { return x.size(); })("abc").compute() == 3);
    CHECK(delayed([](std::string_view x) { return x.size(); })("abc").compute() == 3);
    CHECK(delayed([](const char* x, int k) { return x[k]; })("abc", 1).compute() == 'b');
}

TEST_CASE("a part of a tuple that only moves can be got") {
    const auto both = delayed([] { return std::tuple(1, std::make_unique<int>(3)); })();
    const auto owner = both.get<1>();
    CHECK(*owner.compute() == 3);
    CHECK(*owner.compute() == 3);
    CHECK(both.get<0>().compute() == 1);
    CHECK(delayed([](const std::unique_ptr<int>& x) { return *x + 1; })(owner).compute() == 4);
}
