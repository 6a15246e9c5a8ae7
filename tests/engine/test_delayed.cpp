// Delayed: lazy calls, their arguments, their keys, and computing several at once.
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using satchel::compute;
using satchel::Delayed;
using satchel::delayed;
using satchel::Executor;
using satchel::SynchronousExecutor;
using satchel::ThreadPoolExecutor;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::on_each_executor;
using satchel::testing::Random;
using satchel::testing::text_of;

namespace {

int add(int a, int b) { return a + b; }
int increment(int x) { return x + 1; }

struct Scale {
    std::int64_t factor;  // a word: g++ 12 warns of member pointers to smaller objects
    [[nodiscard]] std::int64_t times(int x) const { return factor * x; }
};

}  // namespace

TEST_CASE("a view of a text is kept as the text") {
    const auto later = [] {
        const std::string local = "a text that is too long to lie in the string itself";
        return satchel::delayed([](std::string_view text) { return std::string(text); })(
            std::string_view(local));
    }();
    CHECK(later.compute() == "a text that is too long to lie in the string itself");
}

TEST_CASE("a delayed call runs when it is computed, and not before") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto x = delayed([&](int value) {
            ++calls;
            return 2 * value;
        })(21);
        CHECK(calls.load() == 0);
        CHECK(x.compute(executor) == 42);
        CHECK(calls.load() == 1);
        CHECK(x.compute(executor) == 42);  // nothing is remembered
        CHECK(calls.load() == 2);
    });
}

TEST_CASE("arguments are values and delayed values in any mixture") {
    on_each_executor([](const Executor& executor) {
        const auto one = delayed(increment)(0);
        const auto three = delayed(add)(one, 2);
        const auto four = delayed(add)(3, one);
        CHECK(delayed(add)(three, four).compute(executor) == 7);
        CHECK(delayed(add)(one, one).compute(executor) == 2);
    });
}

TEST_CASE("whatever can be called can be delayed") {
    const SynchronousExecutor executor;
    CHECK(delayed(&increment)(1).compute(executor) == 2);
    CHECK(delayed(std::plus<>{})(1, 2).compute(executor) == 3);
    CHECK(delayed(std::function<int(int)>(increment))(1).compute(executor) == 2);
    CHECK(delayed(&Scale::times)(Scale{3}, 5).compute(executor) == 15);
    CHECK(delayed(&Scale::factor)(Scale{3}).compute(executor) == 3);
    CHECK(delayed([](auto x) { return x; })(std::string("generic")).compute(executor) == "generic");
    CHECK(delayed([](const auto&... x) { return (x + ...); })(1, 2).compute(executor) == 3);
    CHECK(delayed([n = 5]() mutable { return ++n; })().compute(executor) == 6);
    CHECK(delayed([p = std::make_shared<int>(4)] { return *p; })().compute(executor) == 4);
}

TEST_CASE("results may be of any type that owns what it refers to") {
    const SynchronousExecutor executor;
    const std::string text = "long enough not to lie in the string itself";
    CHECK(delayed([&] { return text; })().compute(executor) == text);
    CHECK(delayed([&]() -> const std::string& { return text; })().compute(executor) == text);
    CHECK(delayed([] { return std::vector{1, 2}; })().compute(executor) == std::vector{1, 2});
    CHECK(delayed([] { return true; })().compute(executor));
    CHECK(*delayed([] { return std::make_unique<int>(3); })().compute(executor) == 3);
    CHECK(delayed([](const std::unique_ptr<int>& p) { return *p; })(
              delayed([] { return std::make_unique<int>(3); })())
              .compute(executor) == 3);
}

TEST_CASE("a delayed call may return nothing") {
    on_each_executor([](const Executor& executor) {
        int calls = 0;
        const Delayed<void> nothing = delayed([&] { ++calls; })();
        nothing.compute(executor);
        CHECK(calls == 1);
        const auto [unit, one] = compute(executor, nothing, delayed(increment)(0));
        CHECK(unit == satchel::Unit{});
        CHECK(one == 1);
        CHECK(calls == 2);
        // What is called after it takes it as an argument.
        const auto after = delayed([&](satchel::Unit, int x) { return x + calls; })(nothing, 10);
        CHECK(after.compute(executor) == 13);
        const std::vector<Delayed<void>> both{nothing, delayed([&] { calls += 10; })()};
        const auto last = delayed([&](const auto& done) { return calls + std::ssize(done); });
        CHECK(last(both).compute(executor) == 16);
    });
}

TEST_CASE("lists of delayed values arrive as lists of values") {
    on_each_executor([](const Executor& executor) {
        std::vector<Delayed<int>> list;
        for (int k = 0; k < 100; ++k) list.push_back(delayed(increment)(k));
        const auto sum = delayed([](int offset, const std::vector<int>& values, int last) {
            int total = offset;
            for (const auto value : values) total = 2 * total % 1'000'003 + value;
            return total + last;
        });
        int expected = 7;
        for (int k = 0; k < 100; ++k) expected = 2 * expected % 1'000'003 + k + 1;
        CHECK(sum(7, list, list.front()).compute(executor) == expected + 1);
        CHECK(delayed([](std::vector<int> values) { return values.size(); })(
                  std::vector<Delayed<int>>{})
                  .compute(executor) == 0);
        CHECK(compute(executor, list)[99] == 100);
        CHECK(compute(executor, std::vector<Delayed<int>>{}).empty());
    });
}

TEST_CASE("lists of delayed booleans, strings and nothings compute to lists") {
    const SynchronousExecutor executor;
    const std::vector<Delayed<bool>> truths{delayed([] { return true; })(),
                                            delayed([] { return false; })()};
    CHECK(compute(executor, truths) == std::vector<bool>{true, false});
    const auto which = delayed([](const std::vector<bool>& values) { return values[0]; });
    CHECK(which(truths).compute(executor));
    const std::vector<Delayed<std::string>> texts(3, delayed([] { return std::string("x"); })());
    CHECK(compute(executor, texts) == std::vector<std::string>(3, "x"));
    const std::vector<Delayed<void>> nothings(3, delayed([] {})());
    CHECK(compute(executor, nothings).size() == 3);
}

TEST_CASE("random graphs of delayed calls give what a plain loop gives") {
    on_each_executor([](const Executor& executor) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            CAPTURE(seed);
            Random random(seed);
            std::vector<Delayed<std::uint64_t>> lazy;
            std::vector<std::uint64_t> eager;
            const auto f = [](std::uint64_t a, std::uint64_t b) {
                return satchel::testing::mix(a + 3 * b);
            };
            for (std::uint64_t k = 0; k < 500; ++k) {
                const auto size = static_cast<std::uint32_t>(k);
                const auto left = k == 0 ? 0 : random(size);
                const auto right = k == 0 ? 0 : random(size);
                if (k == 0 || random(8) == 0) {
                    lazy.push_back(delayed(f)(k, k));
                    eager.push_back(f(k, k));
                } else {
                    lazy.push_back(delayed(f)(lazy[left], lazy[right]));
                    eager.push_back(f(eager[left], eager[right]));
                }
            }
            CHECK(compute(executor, lazy) == eager);
            CHECK(lazy.back().compute(executor) == eager.back());
        }
    });
}

TEST_CASE("work that several values share is done once") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        const auto shared = delayed([&] {
            ++calls;
            return 1;
        })();
        const auto copy = shared;
        const auto a = delayed(increment)(shared);
        const auto b = delayed(increment)(copy);
        CHECK(compute(executor, a, b, shared, copy) == std::tuple{2, 2, 1, 1});
        CHECK(calls.load() == 1);
        CHECK(delayed(add)(a, b).compute(executor) == 4);
        CHECK(calls.load() == 2);
    });
}

TEST_CASE("apply and get") {
    const SynchronousExecutor executor;
    const auto pair = delayed([] { return std::pair(1, std::string("two")); })();
    CHECK(pair.get<0>().compute(executor) == 1);
    CHECK(pair.get<1>().compute(executor) == "two");
    CHECK(delayed([] { return std::array{5, 6, 7}; })().get<2>().compute(executor) == 7);
    CHECK(delayed([] { return std::tuple(1, 2.5); })().get<1>().compute(executor) == 2.5);
    CHECK(pair.apply([](const auto& p) { return p.second.size(); }).compute(executor) == 3);
}

TEST_CASE("keys: each call its own, copies of a handle the same") {
    const auto a = delayed(increment)(1);
    const auto b = delayed(increment)(1);
    const auto copy = a;
    CHECK(a.key() != b.key());
    CHECK(a.key() == copy.key());
    CHECK(a.key().starts_with("delayed-"));
    CHECK(a.key().size() == 8 + 32);
    CHECK(fmt::format("{}", a) == "Delayed('" + a.key() + "')");
    CHECK(delayed(increment)(a).key() != delayed(increment)(a).key());
}

TEST_CASE("a key that was given is the key") {
    CHECK(delayed(increment, {.key = "mine"})(1).key() == "mine");
}

TEST_CASE("two different calls of one given key cannot be computed together") {
    const SynchronousExecutor executor;
    const auto a = delayed(increment, {.key = "same"})(1);
    const auto b = delayed(increment, {.key = "same"})(2);
    const auto copy = a;
    const auto text = text_of<satchel::GraphError>([&] { (void)compute(executor, a, b); });
    CHECK(text.find("same") != std::string::npos);
    CHECK(compute(executor, a, copy) == std::tuple{2, 2});
    CHECK(delayed(add)(a, a).compute(executor) == 4);
}

TEST_CASE("pure calls with equal arguments are one call") {
    static std::atomic<int> calls{0};
    const auto counted = [](int x) {
        ++calls;
        return x + 1;
    };
    const SynchronousExecutor executor;
    const auto start = delayed(increment)(1);
    const auto a = delayed(counted, {.pure = true})(start);
    const auto b = delayed(counted, {.pure = true})(start);
    const auto c = delayed(counted, {.pure = true})(delayed(increment)(1));
    CHECK(a.key() == b.key());
    CHECK(a.key() != c.key());
    CHECK(compute(executor, a, b) == std::tuple{3, 3});
    CHECK(calls.load() == 1);
    CHECK(delayed(add)(a, b).compute(executor) == 6);
    CHECK(calls.load() == 2);
}

TEST_CASE(
    "the calls of one pure function with state are one call where their arguments are equal") {
    const int state = 7;
    const auto add_state = delayed([state](int x) { return x + state; }, {.pure = true});
    CHECK(add_state(1).key() == add_state(1).key());
    CHECK(add_state(1).key() != add_state(2).key());
}

TEST_CASE("pure calls of different functions, or of functions with state, differ") {
    const auto start = delayed(increment)(1);
    const auto key = [&](auto f) { return delayed(f, {.pure = true})(start).key(); };
    CHECK(key([](int x) { return x + 1; }) != key([](int x) { return x + 1; }));
    CHECK(key(&increment) == key(&increment));
    int state = 0;
    const auto stateful = [&state](int x) { return x + state; };
    CHECK(key(stateful) != key(stateful));
}

TEST_CASE("values are moved into the call that alone uses them, and never out of a literal") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const auto make = delayed([&] { return Counted(census, 1); });
        const auto pass = delayed([](Counted x) { return x; });
        CHECK(pass(pass(make())).compute(executor).number == 1);
        CHECK(census.copies.load() == 0);

        const auto look = delayed([](const Counted& x) { return x.number; });
        CHECK(look(make()).compute(executor) == 1);
        CHECK(census.copies.load() == 0);

        const auto literal = pass(Counted(census, 3));
        CHECK(literal.compute(executor).number == 3);
        CHECK(literal.compute(executor).number == 3);
        const auto shared = make();
        CHECK(compute(executor, pass(shared).apply([](const Counted& x) { return x.number; }),
                      look(shared)) == std::tuple{1, 1});
    });
    Census census;
    const auto kept = delayed([&] { return Counted(census, 4); })();
    CHECK(kept.compute(SynchronousExecutor{}).number == 4);
    CHECK(census.copies.load() == 0);
    CHECK(census.alive.load() == 0);
}

TEST_CASE("move-only values pass through calls that take them by value or by reference") {
    on_each_executor([](const Executor& executor) {
        using Owner = std::unique_ptr<int>;
        const auto made = delayed([] { return std::make_unique<int>(5); })();
        const auto into = delayed([](Owner owner) {
            ++*owner;
            return owner;
        });
        CHECK(*into(into(made)).compute(executor) == 7);

        const auto look = delayed([](const Owner& owner) { return *owner; });
        CHECK(compute(executor, look(made), look(made)) == std::tuple{5, 5});
        CHECK(delayed([](const Owner& a, const Owner& b) { return *a + *b; })(made, made)
                  .compute(executor) == 10);
        CHECK(look(std::make_unique<int>(6)).compute(executor) == 6);
    });
}

TEST_CASE("a move-only value that two calls want for themselves is refused before anything runs") {
    std::atomic<int> calls{0};
    const auto made = delayed([&] {
        ++calls;
        return std::make_unique<int>(5);
    })();
    const auto into = delayed([](std::unique_ptr<int> owner) { return *owner; });
    const auto text = text_of<satchel::InvalidArgument>(
        [&] { (void)compute(SynchronousExecutor{}, into(made), into(made)); });
    CHECK(text.find("move-only") != std::string::npos);
    CHECK(text.find("const reference") != std::string::npos);
    CHECK(calls.load() == 0);
}

TEST_CASE("exceptions come back as themselves") {
    on_each_executor([](const Executor& executor) {
        const auto failing =
            delayed([](int x) -> int { throw std::out_of_range("no " + std::to_string(x)); })(3);
        CHECK(text_of<std::out_of_range>([&] { (void)failing.compute(executor); }) == "no 3");
        CHECK(text_of<std::out_of_range>(
                  [&] { (void)delayed(increment)(failing).compute(executor); }) == "no 3");
        CHECK_THROWS_AS((void)delayed([]() -> int { throw "text"; })().compute(executor),
                        satchel::TaskError);
    });
}

TEST_CASE("a function that asks for a stop token gets the run's") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        const auto wait = delayed([&](int x, std::stop_token token) {
            source.request_stop();
            while (!token.stop_requested()) {
            }
            return x;
        })(1);
        CHECK_THROWS_AS((void)wait.compute(executor, {source.get_token()}), satchel::Cancelled);
        CHECK(delayed([](std::stop_token token) { return token.stop_requested(); })().compute(
                  executor) == false);
    });
}

TEST_CASE("a delayed call may compute others") {
    on_each_executor([](const Executor& executor) {
        const auto nested =
            delayed([](int x) { return delayed(increment)(delayed(increment)(x)).compute(); });
        CHECK(delayed(add)(nested(1), nested(2)).compute(executor) == 7);
    });
}

TEST_CASE("a chain of a million calls is computed and destroyed without recursion") {
    on_each_executor([](const Executor& executor) {
        auto last = delayed(increment)(0);
        for (int k = 1; k < 1'000'000; ++k) last = delayed(increment)(last);
        CHECK(last.compute(executor) == 1'000'000);
    });
}

TEST_CASE("handles may be used from several threads at once") {
    const auto shared = delayed(increment)(1);
    const ThreadPoolExecutor pool(2);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 4; ++k) {
        threads.emplace_back([&, k] {
            for (int n = 0; n < 200; ++n) {
                if (delayed(add)(shared, k).compute(pool) != 2 + k) ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
}
