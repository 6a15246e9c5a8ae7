// Delayed calls as users type them: texts as arguments, parts that only move.
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/stream.hpp>
#include <satchel/this_task.hpp>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

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

TEST_CASE("what refers to the function's own copy is copied from it in time") {
    struct Render {
        std::string buffer;
        const std::string& operator()(int x) {
            buffer.assign(100, static_cast<char>('a' + x));
            return buffer;
        }
    };
    CHECK(delayed(Render{})(3).compute() == std::string(100, 'd'));
    int next = 0;
    std::vector<std::string> written;
    satchel::stream([&] { return next < 3 ? std::optional(next++) : std::nullopt; }, Render{},
                    [&](const std::string& text) { written.push_back(text); });
    CHECK(written.at(2) == std::string(100, 'c'));
}

TEST_CASE("a stop token is given also where it has a default") {
    struct Work {
        bool operator()(int, std::stop_token stop = {}) const { return stop.stop_possible(); }
    };
    CHECK(delayed(Work{})(1).compute());
    CHECK(delayed([](int, const std::stop_token& stop = {}) { return stop.stop_possible(); })(1)
              .compute());
}

TEST_CASE("a struct with a container of what only moves is one that only moves") {
    struct Row {
        std::vector<std::unique_ptr<int>> cells;
    };
    const auto row = delayed([] {
        Row made;
        made.cells.push_back(std::make_unique<int>(7));
        return made;
    })();
    CHECK(*row.compute().cells.front() == 7);
    CHECK(row.apply([](const Row& x) { return x.cells.size(); }).compute() == 1);
    struct Tree {
        int value = 0;
        std::vector<Tree> children = {};
    };
    static_assert(satchel::detail::is_copyable<Tree>);
    static_assert(!satchel::detail::is_copyable<Row>);
    static_assert(!satchel::detail::is_copyable<std::tuple<int, std::vector<Row>>>);
    static_assert(!satchel::detail::is_copyable<std::optional<Row>>);
}
