// The width of the tree, of every reduction that there is.
#include <satchel/bag.hpp>
#include <satchel/error.hpp>

#include "engine/support.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <stdlib.h>

using satchel::InvalidArgument;
using satchel::ReductionOptions;
using satchel::SynchronousExecutor;
using satchel::testing::text_of;

namespace {

using Numbers = std::vector<std::int64_t>;

std::int64_t self(std::int64_t x) { return x; }

// use(name, f) for each, where f(options) is the reduction.
template <class Use>
void for_each_reduction(Use use) {
    const auto bag = satchel::range(90, 9);
    const std::plus<std::int64_t> add;
    const auto sum = [](const Numbers& part) {
        return std::accumulate(part.begin(), part.end(), std::int64_t{0});
    };
    using Options = ReductionOptions;
    use("reduction", [&](Options o) { return bag.reduction(sum, sum, o); });
    use("fold", [&](Options o) { return bag.fold(add, o); });
    use("fold", [&](Options o) { return bag.fold(add, add, o); });
    use("fold", [&](Options o) { return bag.fold(add, add, std::int64_t{5}, o); });
    use("sum", [&](Options o) { return bag.sum(o); });
    use("prod", [&](Options o) { return bag.prod(o); });
    use("count", [&](Options o) { return bag.count(o); });
    use("min", [&](Options o) { return bag.min(o); });
    use("max", [&](Options o) { return bag.max(o); });
    use("any", [&](Options o) { return bag.any(o); });
    use("all", [&](Options o) { return bag.all(o); });
    use("mean", [&](Options o) { return bag.mean(o); });
    use("var", [&](Options o) { return bag.var(0, o); });
    use("std", [&](Options o) { return bag.std(1, o); });
    use("frequencies", [&](Options o) { return bag.frequencies({.split_every = o.split_every}); });
    use("frequencies",
        [&](Options o) { return bag.frequencies({.sort = true, .split_every = o.split_every}); });
    use("topk", [&](Options o) { return bag.topk(4, o); });
    use("topk", [&](Options o) { return bag.topk(4, self, o); });
    use("distinct", [&](Options o) { return bag.distinct(o); });
    use("distinct", [&](Options o) { return bag.distinct(self, o); });
    use("foldby", [&](Options o) { return bag.foldby(self, add, std::int64_t{0}, o); });
    use("foldby", [&](Options o) { return bag.foldby(self, add, std::int64_t{0}, add, o); });
    use("sample", [&](Options o) { return bag.sample(5, 1, o); });
    use("choices", [&](Options o) { return bag.choices(5, 1, o); });
}

// How many tasks compute it.
template <class Result>
std::size_t tasks_of(const Result& result) {
    auto path = (std::filesystem::temp_directory_path() / "satchel-test-XXXXXX.dot").native();
    ::close(::mkstemps(path.data(), 4));
    (void)result.visualize(path);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    std::size_t count = 0;
    for (auto at = text.find("label="); at != std::string::npos; at = text.find("label=", at + 1)) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("every reduction is a tree as wide as split_every") {
    const SynchronousExecutor executor;
    for_each_reduction([&](const std::string& name, auto reduction) {
        CAPTURE(name);
        const auto flat = reduction({.split_every = 9});
        const auto tree = reduction({.split_every = 3});
        CHECK(tasks_of(tree) == tasks_of(flat) + 3);
        if (name == "choices") return;  // which draws along the tree
        CHECK(tree.compute(executor) == flat.compute(executor));
    });
}

TEST_CASE("every reduction refuses a tree that does not narrow") {
    for_each_reduction([&](const std::string& name, auto reduction) {
        for (const std::int64_t split_every : {1, 0, -1}) {
            const auto text =
                text_of<InvalidArgument>([&] { (void)reduction({.split_every = split_every}); });
            CAPTURE(text);
            CHECK(text.starts_with(name + ": split_every is " + std::to_string(split_every)));
        }
    });
}
