// Other partitions of the same elements, bags from and to delayed values, and what handles look
// like: repartition, from_delayed, to_delayed, visualize, fmt.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <unistd.h>

using satchel::Bag;
using satchel::concat;
using satchel::Delayed;
using satchel::delayed;
using satchel::Executor;
using satchel::from_delayed;
using satchel::from_sequence;
using satchel::InvalidArgument;
using satchel::range;
using satchel::Value;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace fs = std::filesystem;

namespace {

using Numbers = std::vector<std::int64_t>;
using Strings = std::vector<std::string>;

std::string word(std::int64_t k) {
    return "a word too long to lie in itself: " + std::to_string(k);
}

template <class T>
std::vector<std::size_t> sizes(const Bag<T>& bag, const Executor& executor) {
    return bag.map_partitions([](std::span<const T> part) { return part.size(); })
        .compute(executor);
}

// A folder that goes away with its contents.
class Folder {
  public:
    Folder() : path_((fs::temp_directory_path() / "satchel-test-XXXXXX").native()) {
        REQUIRE(mkdtemp(path_.data()) != nullptr);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] fs::path operator/(const char* name) const { return fs::path(path_) / name; }

  private:
    std::string path_;
};

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

}  // namespace

// ---- repartition --------------------------------------------------------------------------------

TEST_CASE("repartition by number: sizes differ by at most one, the order is kept") {
    on_each_executor([](const Executor& executor) {
        for (const std::int64_t n : {0, 1, 10, 3'000}) {
            for (const std::int64_t from : {1, 3, 10, 40}) {
                for (const std::int64_t to : {1, 2, 3, 10, 41}) {
                    CAPTURE(n);
                    CAPTURE(from);
                    CAPTURE(to);
                    const auto bag = range(n, from).repartition({.npartitions = to});
                    CHECK(bag.npartitions() == to);
                    CHECK(bag.compute(executor) == range(n, 1).compute());
                    const auto found = sizes(bag, executor);
                    const auto [least, most] = std::ranges::minmax(found);
                    CHECK(most - least <= 1);
                    CHECK(found.size() == static_cast<std::size_t>(to));
                }
            }
        }
    });
}

TEST_CASE("repartition of skewed partitions, and of long elements") {
    on_each_executor([](const Executor& executor) {
        const auto skewed = range(3'000, 10).filter([](std::int64_t x) { return x >= 2'500; });
        const auto even = skewed.map(word).repartition({.npartitions = 4});
        CHECK(sizes(even, executor) == std::vector<std::size_t>{125, 125, 125, 125});
        CHECK(even.compute(executor).at(7) == word(2'507));
        const auto flags = skewed.map([](std::int64_t x) { return x % 2 == 0; });
        CHECK(flags.repartition({.npartitions = 3}).count().compute(executor) == 500);
    });
}

TEST_CASE("repartition refuses a partition that has changed since it was counted") {
    using satchel::detail::Begins;
    const auto cut = [](Begins counted, std::uint64_t size) {
        auto literal = Value::of(std::move(counted));
        const std::uint32_t reference = satchel::detail::literal_bit;
        satchel::Arguments arguments(nullptr, &literal, &reference, 1, 0);
        std::unique_ptr<satchel::detail::StreamBase> elements =
            std::make_unique<satchel::detail::CountingStream>(0, size);
        satchel::detail::Binding binding(arguments, 0, 0, true, &elements);
        const satchel::detail::Cut<std::int64_t> three{.outputs = 3};
        return satchel::detail::cut_partition<std::int64_t>(Value::of(three), binding);
    };
    CHECK_NOTHROW((void)cut({0, 10}, 10));
    CHECK_NOTHROW((void)cut({0, 4, 6}, 4));
    for (const std::uint64_t size : {0, 3, 5, 12, 5'000}) {
        CHECK_THROWS_AS((void)cut({0, 4, 6}, size), satchel::Error);
    }
    CHECK_THROWS_AS((void)cut({0, 0}, 1), satchel::Error);
}

TEST_CASE("repartition of elements that do not travel, and of more partitions than elements") {
    struct Opaque {
        std::shared_ptr<std::int64_t> number;
    };
    on_each_executor([](const Executor& executor) {
        const auto opaque = range(50, 7).map(
            [](std::int64_t x) { return Opaque{std::make_shared<std::int64_t>(x)}; });
        for (const std::int64_t npartitions : {1, 3, 50, 60}) {
            const auto parts = opaque.repartition({.npartitions = npartitions});
            const auto numbers = parts.map([](const Opaque& x) { return *x.number; });
            CHECK(numbers.compute(executor) == range(50, 1).compute(executor));
            CHECK(sizes(parts, executor) == sizes(range(50, npartitions), executor));
        }
        // Nothing at first, and nothing at the end.
        const auto some = range(20, 10).filter([](std::int64_t x) { return x > 7 && x < 12; });
        CHECK(sizes(some.repartition({.npartitions = 3}), executor) ==
              std::vector<std::size_t>{2, 1, 1});
        CHECK(some.repartition({.npartitions = 3}).take(3, {.npartitions = -1}, executor) ==
              std::vector<std::int64_t>{8, 9, 10});
    });
}

TEST_CASE("repartition by size: as many elements a partition as fit, and one at least") {
    on_each_executor([](const Executor& executor) {
        const auto numbers = range(10, 4);
        CHECK(sizes(numbers.repartition({.partition_size = 24}), executor) ==
              std::vector<std::size_t>{3, 3, 3, 1});
        CHECK(sizes(numbers.repartition({.partition_size = 1}), executor) ==
              std::vector<std::size_t>(10, 1));
        CHECK(sizes(numbers.repartition({.partition_size = 1'000'000}), executor) ==
              std::vector<std::size_t>{10});
        CHECK(numbers.repartition({.partition_size = 24}).compute(executor) ==
              range(10, 1).compute());
        CHECK(sizes(range(0, 3).repartition({.partition_size = 8}), executor) ==
              std::vector<std::size_t>{0});
        const auto words = from_sequence(Strings{std::string(10'000, 'x'), "a", "b", "c"});
        const auto divided = words.repartition({.partition_size = 1'000});
        CHECK(sizes(divided, executor) == std::vector<std::size_t>{1, 3});
        CHECK(divided.compute(executor) == words.compute(executor));
    });
}

TEST_CASE("repartition needs exactly one of number and size, and positive ones") {
    const auto bag = range(10, 3);
    const auto text = text_of<InvalidArgument>([&] { (void)bag.repartition({}); });
    CHECK(text.starts_with("repartition: give exactly one of npartitions and partition_size"));
    CHECK_THROWS_AS((void)bag.repartition({.npartitions = 2, .partition_size = 100}),
                    InvalidArgument);
    CHECK_THROWS_AS((void)bag.repartition({.npartitions = 0}), InvalidArgument);
    CHECK_THROWS_AS((void)bag.repartition({.npartitions = -1}), InvalidArgument);
    CHECK_THROWS_AS((void)bag.repartition({.partition_size = 0}), InvalidArgument);
}

TEST_CASE("repartition computes its bag once, and nothing at the call") {
    std::atomic<int> calls{0};
    const auto bag = range(100, 5)
                         .map([&calls](std::int64_t x) {
                             ++calls;
                             return x;
                         })
                         .repartition({.npartitions = 3});
    CHECK(calls == 0);
    on_each_executor([&](const Executor& executor) {
        calls = 0;
        CHECK(bag.sum().compute(executor) == 4'950);
        CHECK(calls == 100);
    });
}

// ---- from_delayed, to_delayed -------------------------------------------------------------------

TEST_CASE("from_delayed makes a partition of each delayed vector") {
    on_each_executor([](const Executor& executor) {
        const auto load = delayed([](std::int64_t from, std::int64_t n) {
            return range(n, 1).map(std::plus<>{}, from).compute();
        });
        const std::vector<Delayed<Numbers>> parts{load(std::int64_t{0}, std::int64_t{2}),
                                                  load(std::int64_t{10}, std::int64_t{0}),
                                                  load(std::int64_t{20}, std::int64_t{3})};
        const auto bag = from_delayed(parts);
        CHECK(bag.npartitions() == 3);
        CHECK(bag.compute(executor) == Numbers{0, 1, 20, 21, 22});
        CHECK(sizes(bag, executor) == std::vector<std::size_t>{2, 0, 3});
        CHECK(bag.map(std::plus<>{}, 1).sum().compute(executor) == 69);
        CHECK(bag.take(1, {}, executor) == Numbers{0});
        CHECK(from_delayed(std::vector<Delayed<Numbers>>{}).compute(executor).empty());
    });
}

TEST_CASE("from_delayed of flags and of words") {
    on_each_executor([](const Executor& executor) {
        const std::vector flags{delayed([] { return std::vector<bool>{true, false}; })()};
        CHECK(from_delayed(flags).compute(executor) == std::vector<bool>{true, false});
        CHECK(from_delayed(flags).any().compute(executor));
        const std::vector words{delayed([] { return Strings{"a"}; })(), delayed([] {
                                    return Strings{"b", "c"};
                                })()};
        const auto [all, n] =
            satchel::compute(executor, from_delayed(words), from_delayed(words).count());
        CHECK(all == Strings{"a", "b", "c"});
        CHECK(n == 3);
    });
}

TEST_CASE("to_delayed and back is the same bag") {
    on_each_executor([](const Executor& executor) {
        const auto bag =
            range(1'000, 7).map(word).filter([](const std::string& x) { return x.back() == '3'; });
        const auto back = from_delayed(bag.to_delayed());
        CHECK(back.npartitions() == 7);
        CHECK(back.compute(executor) == bag.compute(executor));
        const auto lengths = delayed([](const std::vector<Strings>& parts) {
            std::size_t n = 0;
            for (const auto& part : parts) n += part.size();
            return n;
        })(bag.to_delayed());
        CHECK(lengths.compute(executor) == 100);
    });
}

TEST_CASE("a Delayed's function and the parts of its tuple") {
    on_each_executor([](const Executor& executor) {
        const auto bag = range(10, 3);
        CHECK(bag.sum().apply([](std::int64_t x) { return x / 9; }).compute(executor) == 5);
        const auto both = bag.reduction(
            [](const Numbers& part) { return std::pair(part.size(), std::ranges::max(part)); },
            [](const std::vector<std::pair<std::size_t, std::int64_t>>& all) {
                std::pair<std::size_t, std::int64_t> joined{0, 0};
                for (const auto& [n, last] : all) joined = {joined.first + n, last};
                return joined;
            });
        CHECK(both.get<0>().compute(executor) == 10);
        CHECK(both.get<1>().compute(executor) == 9);
    });
}

// ---- visualize ----------------------------------------------------------------------------------

TEST_CASE("visualize writes a .dot file of the tasks and what they need") {
    const Folder folder;
    const auto bag = range(10, 3).map([](std::int64_t x) { return x + 1; });
    const auto path = bag.visualize(folder / "map.dot");
    CHECK(path == folder / "map.dot");
    const auto text = contents(path);
    CHECK(text.starts_with("digraph satchel {"));
    CHECK(text.ends_with("}\n"));
    CHECK(count_of(text, R"(label="range\nmap:)") == 3);  // a line for each fused operation
    CHECK(count_of(text, R"(label="range\nmap:2"])") == 1);
    CHECK(count_of(text, "->") == 0);

    (void)bag.repartition({.npartitions = 2}).visualize(folder / "repartition.dot");
    const auto more = contents(folder / "repartition.dot");
    CHECK(count_of(more, "label=\"repartition-begins\"") == 1);
    CHECK(count_of(more, "label=\"repartition-cut:") == 3);
    CHECK(count_of(more, "label=\"repartition:") == 2);
    CHECK(count_of(more, "->") == 3 + 3 + 6 + 6 + 6 + 2);  // to counts, begins, cuts, pieces, …
    const auto total = bag.sum();
    (void)total.visualize(folder / "sum.dot");
    const auto sum = contents(folder / "sum.dot");
    CHECK(count_of(sum, "label=\"sum\"") == 1);
    CHECK(count_of(sum, R"(label="range\nmap\nsum-partition:)") == 3);
    (void)bag.to_delayed()[1].visualize(folder / "one.dot");
    const auto one = contents(folder / "one.dot");
    CHECK(count_of(one, "label=") == 2);  // without the other partitions
    CHECK(count_of(one, "->") == 1);
}

TEST_CASE("a drawing shows what is stored because it is used twice") {
    const Folder folder;
    const auto bag = range(10, 3).map([](std::int64_t x) { return x + 1; });
    const auto both =
        delayed([](std::int64_t sum, std::int64_t max) { return sum + max; })(bag.sum(), bag.max());
    const auto text = contents(both.visualize(folder / "both.dot"));
    CHECK(count_of(text, R"(label="range\nmap:)") == 3);
    CHECK(count_of(text, R"(label="sum-partition:)") == 3);
    CHECK(count_of(text, R"(label="max-partition:)") == 3);
    CHECK(count_of(text, "->") == 3 + 3 + 3 + 3 + 2);
}

TEST_CASE("visualize draws pictures where Graphviz is installed, else says so") {
    const Folder folder;
    const auto bag = range(10, 3).sum().apply([](std::int64_t x) { return x; });
    const bool installed =
        std::system("dot -V >/dev/null 2>&1") == 0;  // NOLINT(concurrency-mt-unsafe)
    if (!installed) MESSAGE("Graphviz is not installed, and draws nothing");
    for (const char* name : {"graph.svg", "graph.png"}) {
        if (installed) {
            const auto text = contents(bag.visualize(folder / name));
            CHECK((text.find("<svg") != std::string::npos || text.starts_with("\x89PNG")));
        } else {
            const auto text = text_of<satchel::Error>([&] { (void)bag.visualize(folder / name); });
            CHECK(text.find("install the package graphviz") != std::string::npos);
        }
    }
}

TEST_CASE("visualize says what it cannot do") {
    const Folder folder;
    const auto bag = range(10, 3);
    const auto text = text_of<InvalidArgument>([&] { (void)bag.visualize(folder / "graph.pdf"); });
    CHECK(text.find("give the file a name in .dot, .svg or .png") != std::string::npos);
    CHECK_THROWS_AS((void)bag.visualize("graph"), InvalidArgument);
    CHECK_THROWS_AS((void)bag.visualize(folder / "no such folder/graph.dot"), satchel::FileError);
}

// ---- what handles look like ---------------------------------------------------------------------

TEST_CASE("every handle can be formatted") {
    const auto bag = range(10, 3);
    const auto text = [](const auto& handle) { return fmt::format("{}", handle); };
    CHECK(text(bag) == "satchel.bag<range, npartitions=3>");
    CHECK(text(from_sequence({1, 2})) == "satchel.bag<from_sequence, npartitions=2>");
    CHECK(text(bag.map(std::plus<>{}, 1)) == "satchel.bag<map, npartitions=3>");
    CHECK(text(bag.filter([](auto x) { return x > 1; })) == "satchel.bag<filter, npartitions=3>");
    CHECK(text(bag.remove([](auto x) { return x > 1; })) == "satchel.bag<remove, npartitions=3>");
    CHECK(text(bag.random_sample(0.5)) == "satchel.bag<random_sample, npartitions=3>");
    CHECK(text(bag.accumulate(std::plus<>{})) == "satchel.bag<accumulate, npartitions=3>");
    CHECK(text(bag.frequencies()) == "satchel.bag<frequencies, npartitions=1>");
    CHECK(text(bag.frequencies().pluck<0>()) == "satchel.bag<pluck, npartitions=1>");
    CHECK(text(zip(bag, bag)) == "satchel.bag<zip, npartitions=3>");
    CHECK(text(zip(bag, bag).starmap(std::plus<>{})) == "satchel.bag<starmap, npartitions=3>");
    CHECK(text(concat(bag, bag)) == "satchel.bag<concat, npartitions=6>");
    CHECK(text(bag.repartition({.npartitions = 5})) == "satchel.bag<repartition, npartitions=5>");
    CHECK(text(bag.persist()) == "satchel.bag<range, npartitions=3>");
    CHECK(text(from_delayed(bag.to_delayed())) == "satchel.bag<from_delayed, npartitions=3>");
    CHECK(text(bag.count()) == "Delayed('" + bag.count().key() + "')");
    CHECK(text(bag.count()).starts_with("Delayed('count-"));
    CHECK(text(delayed([] { return 1; }, {.key = "mine"})()) == "Delayed('mine')");
    CHECK(fmt::format("[{:>40}]", bag) == "[       satchel.bag<range, npartitions=3>]");
    CHECK(fmt::format("[{:<18}]", delayed([] { return 1; }, {.key = "mine"})()) ==
          "[Delayed('mine')   ]");
}

TEST_CASE("reshaping the same bag alike has the same name") {
    const auto bag = range(10, 3);
    CHECK(bag.repartition({.npartitions = 5}).name() == bag.repartition({.npartitions = 5}).name());
    CHECK(bag.repartition({.npartitions = 5}).name() != bag.repartition({.npartitions = 4}).name());
    CHECK(bag.to_delayed()[1].key() == bag.to_delayed()[1].key());
    CHECK(bag.to_delayed()[1].key() != bag.to_delayed()[2].key());
    CHECK(from_delayed(bag.to_delayed()).name() == from_delayed(bag.to_delayed()).name());
    CHECK(bag.persist().name() == bag.name());
}
