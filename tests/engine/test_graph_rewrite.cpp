// cull, order and fuse: what the outputs give must not change, on any graph.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using satchel::Arguments;
using satchel::Function;
using satchel::Graph;
using satchel::GraphError;
using satchel::Input;
using satchel::Key;
using satchel::Layer;
using satchel::Rewritten;
using satchel::SynchronousExecutor;
using satchel::TaskIndex;
using satchel::Token;
using satchel::Value;
using satchel::testing::Dag;
using satchel::testing::run_for;
using satchel::testing::text_of;

using Tasks = std::vector<TaskIndex>;
using Rewrite = std::function<Rewritten(Graph, std::span<const TaskIndex>)>;

namespace {

const Function increment([](Arguments& arguments) {
    return Value::of(arguments.size() == 0 ? 0 : arguments.get<int>(0) + 1);
});
const Function index_in_layer([](Arguments& arguments) {
    return Value::of(static_cast<int>(arguments.index()));
});
const Function sum([](Arguments& arguments) {
    int total = 0;
    for (std::uint32_t k = 0; k < arguments.size(); ++k) total += arguments.get<int>(k);
    return Value::of(total);
});

std::vector<int> run(Rewritten rewritten) {
    return run_for<int>(SynchronousExecutor{}, std::move(rewritten.graph),
                        std::move(rewritten.outputs));
}

Graph chain(std::uint32_t length) {
    Graph graph;
    auto last = graph.add(increment);
    for (std::uint32_t k = 1; k < length; ++k) last = graph.add(increment, {last});
    return graph;
}

// Whether every task comes after what it depends on.
bool is_sorted(const Graph& graph) {
    Tasks inputs;
    for (TaskIndex task = 0; task < graph.size(); ++task) {
        inputs.clear();
        graph.inputs_of(task, inputs);
        for (const auto input : inputs) {
            if (input >= task && !satchel::detail::is_literal(input)) return false;
        }
    }
    return true;
}

void check_on_random_graphs(const Rewrite& rewrite) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        const auto dag = Dag::random(seed, 300, static_cast<std::uint32_t>(1 + seed % 4));
        const auto outputs = dag.some_tasks(seed);
        const auto values = dag.values();
        std::vector<std::uint64_t> expected;
        for (const auto output : outputs) expected.push_back(values[output]);

        auto rewritten = rewrite(dag.graph(), outputs);
        CHECK(rewritten.graph.size() <= dag.inputs.size());
        CHECK(run_for<std::uint64_t>(SynchronousExecutor{}, std::move(rewritten.graph),
                                     std::move(rewritten.outputs)) == expected);
    }
}

}  // namespace

TEST_CASE("rewriting changes no result of any random graph") {
    SUBCASE("cull") { check_on_random_graphs(satchel::cull); }
    SUBCASE("order") { check_on_random_graphs(satchel::order); }
    SUBCASE("fuse") { check_on_random_graphs(satchel::fuse); }
    SUBCASE("all of them") {
        check_on_random_graphs([](Graph graph, std::span<const TaskIndex> outputs) {
            auto culled = cull(std::move(graph), outputs);
            auto fused = fuse(std::move(culled.graph), culled.outputs);
            return order(std::move(fused.graph), fused.outputs);
        });
    }
}

TEST_CASE("cull keeps exactly what the outputs need") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const auto dag = Dag::random(seed, 200, 2);
        const auto outputs = dag.some_tasks(seed);
        std::vector<bool> needed(dag.inputs.size(), false);
        for (const auto output : outputs) needed[output] = true;
        for (auto task = dag.inputs.size(); task-- > 0;) {
            for (const auto input : dag.inputs[task]) {
                if (needed[task]) needed[input] = true;
            }
        }
        const auto culled = satchel::cull(dag.graph(), outputs);
        CHECK(culled.graph.size() == std::ranges::count(needed, true));
    }
}

TEST_CASE("tasks of layers keep their index and their name when others are left out") {
    Graph graph;
    const auto layer = graph.add(Layer{"part", 10, index_in_layer, {}});
    const auto total = graph.add(sum, {layer + 2, layer + 3, layer + 7}, "total");
    const Tasks outputs{total, layer + 7};
    auto culled = satchel::cull(std::move(graph), outputs);
    REQUIRE(culled.graph.size() == 4);
    CHECK(culled.graph.label(0) == "part:2");
    CHECK(culled.graph.label(1) == "part:3");
    CHECK(culled.graph.label(2) == "part:7");
    CHECK(culled.graph.label(3) == "total");
    CHECK(run(std::move(culled)) == std::vector{12, 7});
}

TEST_CASE("order puts every task after its inputs, also where keys point ahead") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const auto dag = Dag::random(seed, 200, 3);
        Graph graph;
        const auto key = [](TaskIndex task) { return Key{Token::of("dag"), task}; };
        for (auto task = static_cast<TaskIndex>(dag.inputs.size()); task-- > 0;) {
            std::vector<Key> inputs;
            for (const auto input : dag.inputs[task]) inputs.push_back(key(input));
            (void)graph.add(key(task), sum, inputs, "task");
        }
        auto outputs = satchel::testing::all_tasks(graph);
        const auto ordered = satchel::order(std::move(graph), outputs);
        CHECK(ordered.graph.size() == dag.inputs.size());
        CHECK(is_sorted(ordered.graph));
    }
}

TEST_CASE("order goes in depth: a branch is done before the next begins") {
    Graph graph;
    const auto leaves = graph.add(Layer{"leaf", 3, index_in_layer, {}});
    const auto middle = graph.add(Layer{"middle", 3, sum, {Input::same(leaves, 3)}});
    const auto end = graph.add(sum, {middle, middle + 1, middle + 2}, "end");
    const auto ordered = satchel::order(std::move(graph), Tasks{end});
    std::vector<std::string> names;
    for (TaskIndex task = 0; task < ordered.graph.size(); ++task) {
        names.push_back(ordered.graph.label(task));
    }
    CHECK(names == std::vector<std::string>{"leaf:0", "middle:0", "leaf:1", "middle:1", "leaf:2",
                                            "middle:2", "end"});
}

TEST_CASE("fuse makes one task of a chain") {
    auto fused = satchel::fuse(chain(100), Tasks{99});
    CHECK(fused.graph.size() == 1);
    CHECK(run(std::move(fused)) == std::vector{99});
}

TEST_CASE("fuse keeps outputs, forks and joins") {
    SUBCASE("an output in the middle of a chain") {
        auto fused = satchel::fuse(chain(10), Tasks{4, 9, 4});
        CHECK(fused.graph.size() == 2);
        CHECK(run(std::move(fused)) == std::vector{4, 9, 4});
    }
    SUBCASE("a diamond") {
        Graph graph;
        const auto a = graph.add(increment);
        const auto b = graph.add(increment, {a});
        const auto c = graph.add(increment, {a});
        const auto d = graph.add(sum, {b, c});
        auto fused = satchel::fuse(std::move(graph), Tasks{d});
        CHECK(fused.graph.size() == 4);
        CHECK(run(std::move(fused)) == std::vector{2});
    }
    SUBCASE("a task that takes one input twice") {
        Graph graph;
        const auto a = graph.add(increment);
        const auto b = graph.add(increment, {a});
        const auto c = graph.add(sum, {b, b});
        auto fused = satchel::fuse(std::move(graph), Tasks{c});
        CHECK(fused.graph.size() == 2);
        CHECK(run(std::move(fused)) == std::vector{2});
    }
    SUBCASE("literals before, between and after") {
        Graph graph;
        const auto ten = graph.literal(Value::of(10));
        const auto a = graph.add(sum, {ten, ten});
        const auto b = graph.add(sum, {ten, a, ten});
        const auto c = graph.add(sum, {b, ten});
        auto fused = satchel::fuse(std::move(graph), Tasks{c});
        CHECK(fused.graph.size() == 1);
        CHECK(run(std::move(fused)) == std::vector{50});
    }
    SUBCASE("layers") {
        Graph graph;
        const auto one = graph.add(Layer{"one", 5, index_in_layer, {}});
        const auto two = graph.add(Layer{"two", 5, sum, {Input::same(one, 5)}});
        const auto end = graph.add(Layer{"end", 1, sum, {Input::all(two, 5)}});
        auto fused = satchel::fuse(std::move(graph), Tasks{end});
        CHECK(fused.graph.size() == 6);
        CHECK(run(std::move(fused)) == std::vector{10});
    }
}

TEST_CASE("a fused task hands its values on without copying them") {
    using satchel::testing::Census;
    using satchel::testing::Counted;
    Census census;
    const Function make([&](Arguments&) { return Value::make<Counted>(census, 1); });
    const Function pass_on([](Arguments& arguments) {
        auto taken = arguments.take<Counted>(0);
        ++taken.number;
        return Value::of(std::move(taken));
    });
    Graph graph;
    auto last = graph.add(make);
    for (int k = 0; k < 5; ++k) last = graph.add(pass_on, {last});
    auto fused = satchel::fuse(std::move(graph), Tasks{last});
    CHECK(run_for<Counted>(SynchronousExecutor{}, std::move(fused.graph), fused.outputs)
              .front()
              .number == 6);
    CHECK(census.copies.load() == 0);
    CHECK(census.peak.load() == 1);
    CHECK(census.alive.load() == 0);
}

TEST_CASE("rewriting finds cycles, and names their tasks alone") {
    const auto cyclic = [] {
        Graph graph;
        const auto add = [&](std::string_view name, std::string_view input) {
            const std::vector<Key> inputs{{Token::of(input), 0}};
            (void)graph.add({Token::of(name), 0}, increment, inputs, name);
        };
        add("before", "a");  // depends on the cycle, so is no part of it
        add("a", "c");
        add("b", "a");
        add("c", "b");
        return graph;
    };
    const std::string expected = "the graph has a cycle, so it can never finish: a -> b -> c -> a";
    CHECK(text_of<GraphError>([&] { (void)satchel::order(cyclic(), Tasks{0}); }) == expected);
    CHECK(text_of<GraphError>([&] { (void)satchel::cull(cyclic(), Tasks{0}); }) == expected);
    CHECK(text_of<GraphError>([&] { (void)satchel::fuse(cyclic(), Tasks{0}); }) == expected);
}

TEST_CASE("rewriting refuses an output that is not in the graph") {
    CHECK_THROWS_AS((void)satchel::cull(chain(3), Tasks{3}), GraphError);
    CHECK_THROWS_AS((void)satchel::order(chain(3), Tasks{3}), GraphError);
    CHECK_THROWS_AS((void)satchel::fuse(chain(3), Tasks{3}), GraphError);
}

TEST_CASE("a graph 300 000 tasks deep is rewritten without recursion") {
    constexpr std::uint32_t length = 300'000;
    const Tasks outputs{length - 1};
    CHECK(satchel::cull(chain(length), outputs).graph.size() == length);
    CHECK(satchel::order(chain(length), outputs).graph.size() == length);
    CHECK(run(satchel::fuse(chain(length), outputs)) == std::vector<int>{length - 1});
}
