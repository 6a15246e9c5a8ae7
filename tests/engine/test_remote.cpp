// Bags and delayed calls whose every task runs in another process give what they give here.
#include <satchel/bag.hpp>

#include "engine/child_executor.hpp"
#include "engine/support.hpp"

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

using satchel::Bag;
using satchel::delayed;
using satchel::Error;
using satchel::fn;
using satchel::from_sequence;
using satchel::SynchronousExecutor;
using satchel::testing::ChildExecutor;
using satchel::testing::text_of;

namespace {

// Run by the child processes alone.
TEST_CASE("serve calls" * doctest::skip()) {
    satchel::testing::serve_calls({STDIN_FILENO, STDOUT_FILENO});
    _exit(0);
}

struct Person {
    std::string name;
    int age = 0;
    bool operator==(const Person&) const = default;
    [[nodiscard]] std::size_t name_size() const { return name.size(); }
};

class Closed {
  public:
    explicit Closed(int number) : number_(number) {}
    bool operator==(const Closed&) const = default;

  private:
    int number_;
};

struct Scale {
    double k;
    double operator()(double x) const { return k * x; }
};

struct Counter {
    int start = 0;
    int calls = 0;
    int operator()(int x) { return x + start + calls++; }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& start& calls;
    }
};

int twice(int x) { return 2 * x; }

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> words(1);
    for (const char c : line) {
        if (c == ' ') {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    return words;
}

const ChildExecutor& children() {
    static const ChildExecutor executor(
        "/proc/self/exe",
        {"--test-case=serve calls", "--no-skip", "--no-version", "--no-intro", "--quiet"});
    return executor;
}

/// Computes in child processes and here, and compares.
template <class Lazy>
void check_same(const Lazy& lazy) {
    const auto before = children().calls();
    CHECK(lazy.compute(children()) == lazy.compute(SynchronousExecutor{}));
    CHECK(children().calls() > before);
}

const auto numbers = from_sequence({5, 3, 8, 1, 9, 2, 7, 3, 5, 5, 0, -4}, {.npartitions = 4});
const auto lines = from_sequence({"the quick brown fox", "jumps over the lazy dog", "the end"});

}  // namespace

TEST_CASE("element-wise operations") {
    constexpr int constant = 3;
    check_same(numbers);
    check_same(numbers.map([](int x) { return x * 10; }));
    check_same(numbers.map([=](int x) { return x * constant; }));
    check_same(numbers.map(twice));
    check_same(numbers.map(fn<twice>).filter([](int x) { return x > 6; }));
    check_same(numbers.map(Scale{0.5}));
    check_same(numbers.map(Counter{100, 0}));
    check_same(numbers.remove([](int x) { return x % 2 == 0; }));
    check_same(numbers.map([](int x, int k) { return x + k; }, 1000));
    check_same(lines.map(split).flatten());
    check_same(lines.map(fn<&std::string::size>));
    check_same(numbers.random_sample(0.5, 42));
    check_same(numbers.accumulate([](int a, int b) { return a + b; }));
    check_same(numbers.accumulate([](int a, int b) { return a + b; }, 100));
    check_same(numbers.map([](int x) { return x > 3; }));
}

TEST_CASE("chains that one loop does") {
    const auto odd = [](int x) { return x % 2 != 0; };
    const auto chain = numbers.map(twice).map([](int x) { return x + 1; }).filter(odd);
    check_same(chain);
    check_same(chain.sum());
    check_same(chain.count());
    check_same(chain.map(Scale{2}).max());
    check_same(lines.map(split).map(fn<&std::vector<std::string>::size>).fold(std::plus<>{}));
    const int k = 3;
    const auto error = text_of<satchel::TravelError>([&] {
        (void)numbers.map(twice).filter([&k](int x) { return x > k; }).sum().compute(children());
    });
    CHECK(error.starts_with("filter: this cannot be sent to another process"));
}

TEST_CASE("parts of elements") {
    const auto people = from_sequence({Person{"Ada", 36}, Person{"Grace", 85}});
    check_same(people);
    check_same(people.pluck(&Person::name));
    check_same(people.map(fn<&Person::name_size>));
    const auto pairs =
        from_sequence({std::tuple(1, std::string("a")), std::tuple(2, std::string("b"))});
    check_same(pairs.pluck<1>());
    check_same(pairs.starmap([](int n, const std::string& s) { return s + std::to_string(n); }));
    const auto maps = from_sequence({std::map<std::string, int>{{"a", 1}}, {{"b", 2}}});
    check_same(maps.pluck("a", -1));
    const auto error = text_of<Error>([&] { (void)maps.pluck("a").compute(children()); });
    CHECK(error.find("an element has no 'a'") != std::string::npos);
}

TEST_CASE("whole partitions, and several bags") {
    check_same(numbers.map_partitions([](std::vector<int> p) { return p.size(); }));
    check_same(numbers.map_partitions(
        [](const std::vector<int>& p, int k) { return static_cast<int>(p.size()) * k; }, 3));
    check_same(satchel::zip(numbers, numbers.map(twice)));
    check_same(numbers.map([](int a, int b) { return a * b; }, numbers.map(twice)));
    check_same(numbers.map([](int x, std::int64_t sum) { return x - sum; }, numbers.sum()));
    check_same(satchel::concat(numbers, numbers.map(twice)));
    check_same(numbers.repartition({.npartitions = 3}));
    check_same(satchel::range(10'000, 3).map([](std::int64_t x) { return x * x; }));
}

TEST_CASE("reductions") {
    const auto doubles = numbers.map([](int x) { return std::sqrt(std::abs(x)); });
    check_same(numbers.sum());
    check_same(doubles.sum());
    check_same(lines.sum());
    check_same(numbers.count());
    check_same(numbers.filter([](int x) { return x > 0; }).prod());
    check_same(doubles.prod());
    check_same(numbers.min());
    check_same(lines.max());
    check_same(numbers.any());
    check_same(numbers.all());
    check_same(numbers.mean());
    check_same(doubles.mean());
    check_same(doubles.var(1));
    check_same(numbers.std());
    check_same(numbers.fold([](int a, int b) { return a + b; }, {.split_every = 2}));
    check_same(lines.fold([](std::size_t n, const std::string& s) { return n + s.size(); },
                          std::plus<>{}, std::size_t{0}));
    check_same(lines.fold([](std::string a, const std::string& s) { return a + s; },
                          [](const std::string& a, const std::string& b) { return a + b; },
                          std::string("begin:")));
    check_same(numbers.reduction([](const std::vector<int>& p) { return p.size(); },
                                 [](const std::vector<std::size_t>& s) { return s.size(); }));
    const auto error =
        text_of<Error>([] { (void)from_sequence(std::vector<int>{}).max().compute(children()); });
    CHECK(error.find("max of a bag without elements has no value") != std::string::npos);
}

TEST_CASE("reductions to bags") {
    const auto words = lines.map(split).flatten();
    check_same(words.frequencies());
    check_same(words.frequencies({.sort = true, .split_every = 2}));
    check_same(satchel::range(1000, 3).frequencies());
    check_same(words.topk(2));
    check_same(words.topk(2, [](const std::string& w) { return w.size(); }));
    check_same(words.distinct());
    check_same(words.distinct([](const std::string& w) { return w.size(); }));
    check_same(words.foldby([](const std::string& w) { return w.size(); },
                            [](int n, const std::string&) { return n + 1; }, 0, std::plus<>{}));
    check_same(numbers.sample(4, 7));
    check_same(numbers.choices(4, 7));
}

TEST_CASE("persisted values, delayed graphs and bags of them") {
    const auto kept = numbers.map(twice).persist();
    check_same(kept.map([](int x) { return x + 1; }));
    check_same(numbers.map(twice).persist(children()).filter([](int x) { return x > 5; }));

    const auto load = delayed([](int n) { return std::vector<double>(20'000, n); });
    const auto total = delayed([](const std::vector<double>& a, const std::vector<double>& b) {
        return static_cast<double>(a.size()) + b.back();
    })(load(1), load(2));
    check_same(total);
    check_same(total.apply([](double x) { return x * 2; }));
    const auto sum = delayed([](const std::vector<int>& all) {
        int n = 0;
        for (const int x : all) n += x;
        return n;
    });
    check_same(sum(std::vector{delayed(twice)(1), delayed(twice)(2)}));
    check_same(delayed([] { return std::tuple(1, std::string("b")); })().get<1>());
    check_same(satchel::from_delayed<int>({delayed([] { return std::vector{1, 2}; })()}));
    check_same(numbers.to_delayed().front());
    CHECK(numbers.take(3, {}, children()) == std::vector{5, 3, 8});
}

TEST_CASE("partitions one by one, and streams") {
    std::vector<int> all;
    numbers.map(twice).for_each_partition(
        [&](const std::vector<int>& p) { all.insert(all.end(), p.begin(), p.end()); },
        {.executor = children()});
    CHECK(all == numbers.map(twice).compute(SynchronousExecutor{}));

    int next = 0;
    std::vector<std::string> written;
    satchel::stream([&] { return next < 5 ? std::optional(next++) : std::nullopt; },
                    [](int n) { return std::to_string(n * n); },
                    [&](std::string text) { written.push_back(std::move(text)); },
                    {.executor = children()});
    CHECK(written == std::vector<std::string>{"0", "1", "4", "9", "16"});
}

TEST_CASE("what cannot travel is refused before it is sent, naming the operation") {
    const int k = 3;
    const auto refusal = [](const auto& lazy) {
        return text_of<satchel::TravelError>([&] { (void)lazy.compute(children()); });
    };
    const auto capturing = refusal(numbers.map([k](int x) { return x + k; }));
    CHECK(capturing.starts_with("map: this cannot be sent to another process: it carries data"));
    CHECK(capturing.find("pass the data after the function") != std::string::npos);
    const auto line = std::source_location::current().line() + 1;
    const auto in_chain = refusal(numbers.map(twice).map([k](int x) { return x + k; }).map(twice));
    CHECK(in_chain.ends_with(fmt::format("map was called at {}:{}", __FILE__, line)));
    const std::function<bool(int)> hidden = [k](int x) { return x > k; };
    CHECK(refusal(numbers.filter(hidden)).starts_with("filter: this cannot be sent"));
    CHECK(refusal(numbers.filter(hidden)).find("std::function") != std::string::npos);
    CHECK(refusal(from_sequence({Person{"Ada", 3}}).map(&Person::name_size))
              .find("write satchel::fn<&Class::method>") != std::string::npos);
    const auto pointers = numbers.map([](int x) { return std::make_shared<int>(x); });
    CHECK(refusal(delayed([k](int x) { return x + k; })(1)).find("carries data") !=
          std::string::npos);
    const auto unsendable = text_of<Error>([&] { (void)pointers.compute(children()); });
    CHECK(unsendable.starts_with("map: the elements that it gives cannot be sent"));
    const auto closed = numbers.map([](int x) { return std::vector{Closed(x)}; });
    CHECK(text_of<satchel::TravelError>([&] {
              (void)closed.compute(children());
          }).find("objects of a class that does not show its members") != std::string::npos);
}
