// Graph: tasks, layers, keys and literals, and how they are compiled to flat arrays.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>

#include "engine/support.hpp"
#include "graph/compiled.hpp"

#include <cstdint>
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
using satchel::TaskIndex;
using satchel::Token;
using satchel::Value;
using satchel::detail::CompiledGraph;
using satchel::detail::literal_bit;
using satchel::testing::text_of;

using Tasks = std::vector<TaskIndex>;

namespace {

const Function nothing([](Arguments&) { return Value(); });

Tasks expanded(const Input& input, std::uint32_t i) {
    Tasks references;
    input.expand(i, references);
    return references;
}

Tasks inputs_of(const Graph& graph, TaskIndex task) {
    Tasks references;
    graph.inputs_of(task, references);
    return references;
}

Tasks inputs_of(const CompiledGraph& compiled, TaskIndex task) {
    const auto inputs = compiled.inputs_of(task);
    return {inputs.begin(), inputs.end()};
}

Tasks successors_of(const CompiledGraph& compiled, TaskIndex task) {
    const auto successors = compiled.successors_of(task);
    return {successors.begin(), successors.end()};
}

Key key(std::string_view name, std::uint64_t index = 0) { return {Token::of(name), index}; }

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an input of a layer is a rule: what task i gets") {
    CHECK(expanded(Input::one(7), 0) == Tasks{7});
    CHECK(expanded(Input::one(7), 100) == Tasks{7});
    CHECK(expanded(Input::literal(3), 5) == Tasks{3 | literal_bit});

    CHECK(expanded(Input::same(10, 4), 0) == Tasks{10});
    CHECK(expanded(Input::same(10, 4), 3) == Tasks{13});
    CHECK(expanded(Input::same(10, 4), 4) == Tasks{});

    CHECK(expanded(Input::shift(10, 4, 1), 0) == Tasks{});
    CHECK(expanded(Input::shift(10, 4, 1), 1) == Tasks{10});
    CHECK(expanded(Input::shift(10, 4, 1), 4) == Tasks{13});
    CHECK(expanded(Input::shift(10, 4, 1), 5) == Tasks{});
    CHECK(expanded(Input::shift(10, 4, -1), 0) == Tasks{11});
    CHECK(expanded(Input::shift(10, 4, -1), 3) == Tasks{});

    CHECK(expanded(Input::block(10, 5, 2), 0) == Tasks{10, 11});
    CHECK(expanded(Input::block(10, 5, 2), 2) == Tasks{14});
    CHECK(expanded(Input::block(10, 5, 2), 3) == Tasks{});

    CHECK(expanded(Input::all(10, 3), 0) == Tasks{10, 11, 12});
    CHECK(expanded(Input::all(10, 3), 99) == Tasks{10, 11, 12});
    CHECK(expanded(Input::all(10, 0), 0) == Tasks{});
}

TEST_CASE("the two sides of a Cartesian product meet in every pair") {
    std::vector<std::pair<TaskIndex, TaskIndex>> pairs;
    for (std::uint32_t i = 0; i < 6; ++i) {
        const auto left = expanded(Input::cross_left(10, 2, 3), i);
        const auto right = expanded(Input::cross_right(20, 3, 3), i);
        REQUIRE(left.size() == 1);
        REQUIRE(right.size() == 1);
        pairs.emplace_back(left.front(), right.front());
    }
    CHECK(pairs == std::vector<std::pair<TaskIndex, TaskIndex>>{
                       {10, 20}, {10, 21}, {10, 22}, {11, 20}, {11, 21}, {11, 22}});
}

TEST_CASE("tasks are numbered in order, and know their inputs and names") {
    Graph graph;
    CHECK(graph.size() == 0);
    const auto a = graph.add(nothing);
    const auto b = graph.add(nothing, {a, a}, "twice");
    const auto layer = graph.add(Layer{"map", 3, nothing, {Input::one(b), Input::one(a)}});
    const auto c = graph.add(nothing, {layer + 2, b}, "last");
    CHECK(Tasks{a, b, layer, c} == Tasks{0, 1, 2, 5});
    CHECK(graph.size() == 6);

    CHECK(inputs_of(graph, a) == Tasks{});
    CHECK(inputs_of(graph, b) == Tasks{a, a});
    CHECK(inputs_of(graph, layer + 1) == Tasks{b, a});
    CHECK(inputs_of(graph, c) == Tasks{layer + 2, b});

    CHECK(graph.label(a) == "task");
    CHECK(graph.label(b) == "twice");
    CHECK(graph.label(layer) == "map:0");
    CHECK(graph.label(layer + 2) == "map:2");
    CHECK(graph.label(c) == "last");

    CHECK(graph.index_in_layer(a) == 0);
    CHECK(graph.index_in_layer(layer + 2) == 2);
    CHECK(graph.index_in_layer(c) == 0);
}

TEST_CASE("tasks of one stateless function share its description, others keep their own") {
    Graph graph;
    for (int k = 0; k < 3; ++k) (void)graph.add(nothing, {}, "a");
    (void)graph.add(nothing, {}, "b");
    for (const std::uint64_t k : {7U, 8U}) {
        (void)graph.add(Function([k](Arguments&) { return Value::of(k); }), {}, "b");
    }
    CHECK(graph.label(2) == "a");
    CHECK(graph.label(3) == "b");
    const CompiledGraph compiled(std::move(graph), Tasks{4, 5});
    CHECK(compiled.calls.size() == 4);
    CHECK(satchel::testing::run_for<std::uint64_t>(
              satchel::SynchronousExecutor{},
              [] {
                  Graph same;
                  for (const std::uint64_t k : {7U, 8U, 9U}) {
                      (void)same.add(Function([k](Arguments&) { return Value::of(k); }));
                  }
                  return same;
              }(),
              {0, 1, 2}) == std::vector<std::uint64_t>{7, 8, 9});
}

TEST_CASE("an input that is not there is refused, naming the task") {
    Graph graph;
    (void)graph.add(nothing);
    const auto text = text_of<GraphError>([&] { (void)graph.add(nothing, {0, 1}, "later"); });
    CHECK(contains(text, "later"));
    CHECK(contains(text, "input 1"));
    CHECK(graph.size() == 1);
}

TEST_CASE("a literal that is not there is refused, naming the task") {
    Graph graph;
    const auto literal = graph.literal(Value::of(1));
    (void)graph.add(nothing, {literal});
    const auto text =
        text_of<GraphError>([&] { (void)graph.add(nothing, {literal + 1}, "later"); });
    CHECK(contains(text, "later"));
    CHECK(contains(text, "literal 1"));
}

TEST_CASE("a layer that refers to what is not there is refused, naming it") {
    Graph graph;
    (void)graph.literal(Value::of(1));
    const auto first = graph.add(Layer{"first", 4, nothing, {}});
    const auto size = graph.size();
    const std::vector<Input> wrong{Input::one(size),
                                   Input::literal(1),
                                   Input::same(first, 5),
                                   Input::all(first + 1, 4),
                                   Input::same(size, 2),
                                   Input::shift(first, 5, 1),
                                   Input::shift(size, 2, 0),
                                   Input::shift(size, 2, -1),
                                   Input::block(first, 4, 0),
                                   Input::block(first, 4, -1),
                                   Input::cross_left(first, 4, 0),
                                   Input::cross_right(first, 4, 0),
                                   Input::same(UINT32_MAX, 2),
                                   Input::all(size, 0x8000'0000)};
    for (std::size_t k = 0; k < wrong.size(); ++k) {
        CAPTURE(k);
        const auto text = text_of<GraphError>([&] {
            (void)graph.add(Layer{"later", 4, nothing, {wrong[k]}});
        });
        CHECK(contains(text, "later"));
        CHECK(graph.size() == size);
    }
}

TEST_CASE("the tasks of a layer may depend on those before them in it") {
    Graph graph;
    const Function next([](Arguments& arguments) {
        return Value::of(arguments.size() == 0 ? 1 : 2 * arguments.get<int>(0));
    });
    const auto first = graph.add(Layer{"next", 11, next, {Input::shift(0, UINT32_MAX, 1)}});
    CHECK(satchel::testing::run_for<int>(satchel::SynchronousExecutor{}, std::move(graph),
                                         {first + 10}) == std::vector{1024});
}

TEST_CASE("a layer may be without tasks") {
    Graph graph;
    const auto none = graph.add(Layer{"none", 0, nothing, {}});
    const auto all = graph.add(Layer{"all", 1, nothing, {Input::all(none, 0)}});
    CHECK(all == 0);
    CHECK(graph.label(all) == "all:0");
    const CompiledGraph compiled(std::move(graph), Tasks{all});
    CHECK(compiled.size() == 1);
    CHECK(compiled.sources == Tasks{all});
}

TEST_CASE("a graph has at most 2^31 tasks") {
    constexpr std::uint32_t half = 0x4000'0000;
    Graph graph;
    (void)graph.add(Layer{"a", half, nothing, {}});
    (void)graph.add(Layer{"b", half - 1, nothing, {}});
    CHECK(contains(text_of<GraphError>([&] {
                       (void)graph.add(Layer{"c", 2, nothing, {}});
                   }),
                   "2147483648"));
    CHECK(contains(text_of<GraphError>([&] {
                       (void)graph.add(Layer{"d", UINT32_MAX, nothing, {}});
                   }),
                   "2147483648"));
    CHECK(graph.add(nothing) == 0x7FFF'FFFF);
    CHECK_THROWS_AS((void)graph.add(nothing), GraphError);
    CHECK_THROWS_AS((void)graph.add(key("e"), nothing, {}, "e"), GraphError);
    CHECK(graph.size() == 0x8000'0000);
}

TEST_CASE("keys may be used before they are there") {
    Graph graph;
    const Function sum([](Arguments& arguments) {
        int total = 1;
        for (std::uint32_t k = 0; k < arguments.size(); ++k) total += arguments.get<int>(k);
        return Value::of(total);
    });
    const std::vector<Key> of_last{key("middle", 1), key("first")};
    const std::vector<Key> of_middle{key("first")};
    const auto last = graph.add(key("last"), sum, of_last, "last");
    (void)graph.add(key("middle", 1), sum, of_middle, "middle");
    (void)graph.add(key("first"), sum, {}, "first");
    CHECK(satchel::testing::run_for<int>(satchel::SynchronousExecutor{}, std::move(graph),
                                         {last}) == std::vector{4});
}

TEST_CASE("a key without a task is an error that names the key and who wants it") {
    Graph graph;
    const std::vector<Key> inputs{key("nowhere", 17)};
    const auto task = graph.add(key("a"), nothing, inputs, "wanting");
    const auto text = text_of<GraphError>([&] { CompiledGraph(std::move(graph), Tasks{task}); });
    CHECK(contains(text, "wanting"));
    CHECK(contains(text, Token::of("nowhere").text() + ":17"));
}

TEST_CASE("a key that is there already is an error that names both tasks") {
    Graph graph;
    (void)graph.add(key("a", 3), nothing, {}, "earlier");
    const auto text =
        text_of<GraphError>([&] { (void)graph.add(key("a", 3), nothing, {}, "later"); });
    CHECK(contains(text, "earlier"));
    CHECK(contains(text, "later"));
    CHECK(contains(text, Token::of("a").text() + ":3"));
    CHECK(graph.size() == 1);
    (void)graph.add(key("a", 4), nothing, {}, "other");  // the index is part of the key
}

TEST_CASE("a cycle is an error that names its tasks, and no others") {
    Graph graph;
    const auto add = [&](const char* name, const std::vector<Key>& inputs) {
        return graph.add(key(name), nothing, inputs, name);
    };
    (void)add("source", {});
    (void)add("p", {key("source"), key("r")});
    (void)add("q", {key("p")});
    (void)add("r", {key("q"), key("source")});
    const auto end = add("after", {key("r")});
    const auto text = text_of<GraphError>([&] { CompiledGraph(std::move(graph), Tasks{end}); });
    CHECK(contains(text, "cycle"));
    const auto names = text.substr(text.rfind(": ") + 2);
    const bool is_rotation =
        names == "p -> q -> r -> p" || names == "q -> r -> p -> q" || names == "r -> p -> q -> r";
    CHECK_MESSAGE(is_rotation, names);
}

TEST_CASE("a cycle is an error also when the keys were looked up before") {
    Graph graph;
    const Key a{Token::of("a"), 0}, b{Token::of("b"), 0};
    (void)graph.add(a, Function([](Arguments&) { return Value::of(1); }), {{b}}, "a");
    (void)graph.add(b, Function([](Arguments&) { return Value::of(1); }), {{a}}, "b");
    graph.resolve_keys();
    CHECK_THROWS_AS(CompiledGraph(graph, {}), GraphError);
}

TEST_CASE("a task without a function is refused, naming it") {
    Graph graph;
    CHECK_THROWS_WITH_AS((void)graph.add(Function(), {}, "none"),
                         "adding 'none' to a graph: it has no function to call", GraphError);
    CHECK_THROWS_AS((void)graph.add(Layer{"none", 8, {}, {}}), GraphError);
}

TEST_CASE("a layer takes the literal that the graph was given") {
    Graph graph;
    const auto ten = graph.literal(Value::of(10));
    const Function take([](Arguments& in) { return Value::of(in.get<int>(0) + 1); });
    const auto first = graph.add(
        Layer{.name = "x", .count = 2, .function = take, .inputs = {Input::literal(ten)}});
    auto results = satchel::SynchronousExecutor().run(std::move(graph), {first + 1});
    CHECK(results.front().get<int>() == 11);
}

TEST_CASE("a task that depends on itself is a cycle of one") {
    Graph graph;
    const std::vector<Key> inputs{key("own")};
    (void)graph.add(key("own"), nothing, inputs, "own");
    const auto text = text_of<GraphError>([&] { CompiledGraph(std::move(graph), Tasks{0}); });
    CHECK(contains(text, "own -> own"));
}

TEST_CASE("an output that is not in the graph is an error") {
    Graph graph;
    (void)graph.add(nothing);
    const auto text = text_of<GraphError>([&] { CompiledGraph(std::move(graph), Tasks{0, 1}); });
    CHECK(contains(text, "output 1"));
}

TEST_CASE("compiled: inputs, successors, counts and sources agree with the graph") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const auto dag = satchel::testing::Dag::random(seed, 200, 4);
        auto graph = dag.graph();
        std::vector<Tasks> expected_inputs;
        for (TaskIndex task = 0; task < graph.size(); ++task) {
            expected_inputs.push_back(inputs_of(graph, task));
        }
        const CompiledGraph compiled(std::move(graph), Tasks{});
        REQUIRE(compiled.size() == dag.inputs.size());
        std::vector<Tasks> expected_successors(dag.inputs.size());
        Tasks expected_sources;
        for (TaskIndex task = 0; task < dag.inputs.size(); ++task) {
            CHECK(inputs_of(compiled, task) == expected_inputs[task]);
            CHECK(compiled.tasks[task].counter == dag.inputs[task].size());
            for (const auto input : dag.inputs[task]) expected_successors[input].push_back(task);
            if (dag.inputs[task].empty()) expected_sources.push_back(task);
        }
        CHECK(compiled.sources == expected_sources);
        for (TaskIndex task = 0; task < dag.inputs.size(); ++task) {
            CHECK(successors_of(compiled, task) == expected_successors[task]);
        }
    }
}

TEST_CASE("compiled: layers and single tasks, mixed") {
    Graph graph;
    const auto one = graph.literal(Value::of(1));
    const auto a = graph.add(nothing, {one});
    const auto layer = graph.add(Layer{"layer", 4, nothing, {Input::one(a), Input::literal(0)}});
    const auto tree = graph.add(Layer{"tree", 2, nothing, {Input::block(layer, 4, 2)}});
    const auto end = graph.add(nothing, {tree, one, tree + 1});
    const CompiledGraph compiled(std::move(graph), Tasks{end, a});
    CHECK(inputs_of(compiled, a) == Tasks{one});
    CHECK(inputs_of(compiled, layer + 3) == Tasks{a, one});
    CHECK(inputs_of(compiled, tree + 1) == Tasks{layer + 2, layer + 3});
    CHECK(inputs_of(compiled, end) == Tasks{tree, one, tree + 1});
    CHECK(successors_of(compiled, a) == Tasks{layer, layer + 1, layer + 2, layer + 3});
    CHECK(compiled.sources == Tasks{a});
    CHECK(compiled.literals.size() == 1);
}

TEST_CASE("an empty graph compiles") {
    const CompiledGraph compiled(Graph(), Tasks{});
    CHECK(compiled.size() == 0);
    CHECK(compiled.sources.empty());
}

TEST_CASE("tokens: texts, numbers, uniqueness") {
    CHECK(Token::of("map") == Token::of("map"));
    CHECK(Token::of("map") != Token::of("filter"));
    CHECK(Token::of("") != Token::of(std::string_view("\0", 1)));
    CHECK(Token::of("a").then(1) != Token::of("a").then(2));
    CHECK(Token::of("a").then(Token::of("b")) != Token::of("b").then(Token::of("a")));
    CHECK(Token::unique() != Token::unique());
    CHECK(Token{0x12, 0xAB}.text() == "000000000000001200000000000000ab");
    CHECK(Token::of("satchel").text().size() == 32);
}
