// What every local executor does with a graph: results, order, lifetimes of values, exceptions.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/this_task.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using satchel::Arguments;
using satchel::Executor;
using satchel::Function;
using satchel::Graph;
using satchel::Input;
using satchel::Layer;
using satchel::SynchronousExecutor;
using satchel::TaskIndex;
using satchel::ThreadPoolExecutor;
using satchel::Value;
using satchel::testing::Census;
using satchel::testing::Counted;
using satchel::testing::Dag;
using satchel::testing::mix;
using satchel::testing::on_each_executor;
using satchel::testing::Random;
using satchel::testing::run_for;
using satchel::testing::text_of;

using Numbers = std::vector<std::uint64_t>;

namespace {

const Function number([](Arguments& arguments) {
    return Value::of(std::uint64_t{arguments.index()});
});
const Function increment([](Arguments& arguments) {
    return Value::of(arguments.get<std::uint64_t>(0) + 1);
});
const Function mixed([](Arguments& arguments) {
    auto result = mix(arguments.index());
    for (std::uint32_t k = 0; k < arguments.size(); ++k) {
        result = mix(result + arguments.get<std::uint64_t>(k));
    }
    return Value::of(result);
});

Graph chain(std::uint32_t length) {
    Graph graph;
    auto last = graph.add(number);
    for (std::uint32_t k = 1; k < length; ++k) last = graph.add(increment, {last});
    return graph;
}

// Layers that take from earlier ones by every kind of rule, and what their tasks give.
struct RandomLayers {
    Graph graph;
    Numbers values;

    explicit RandomLayers(std::uint64_t seed) {
        Random random(seed);
        std::vector<std::pair<TaskIndex, std::uint32_t>> layers;
        for (int k = 0; k < 12; ++k) {
            const auto count = 1 + random(40);
            std::vector<Input> inputs;
            for (auto left = k == 0 ? 0 : random(4); left > 0; --left) {
                const auto [first, size] =
                    layers[random(static_cast<std::uint32_t>(layers.size()))];
                inputs.push_back(some_input(random, first, size));
            }
            evaluate(count, inputs);
            layers.emplace_back(graph.add(Layer{"layer", count, mixed, inputs}), count);
        }
    }

  private:
    static Input some_input(Random& random, TaskIndex first, std::uint32_t size) {
        switch (random(7)) {
            case 0:
                return Input::one(first + random(size));
            case 1:
                return Input::shift(first, size, std::int64_t{random(7)} - 3);
            case 2:
                return Input::block(first, size, 1 + random(4));
            case 3:
                return Input::cross_left(first, size, 1 + random(5));
            case 4:
                return Input::cross_right(first, size, size);
            case 5:
                return Input::all(first, size);
            default:
                return Input::same(first, size);
        }
    }

    void evaluate(std::uint32_t count, const std::vector<Input>& inputs) {
        for (std::uint32_t i = 0; i < count; ++i) {
            std::vector<std::uint32_t> references;
            for (const auto& input : inputs) input.expand(i, references);
            auto result = mix(i);
            for (const auto reference : references) result = mix(result + values[reference]);
            values.push_back(result);
        }
    }
};

struct Refusal : std::runtime_error {
    explicit Refusal(int given) : std::runtime_error("refused"), code(given) {}
    int code;
};

const Function refuse([](Arguments&) -> Value { throw Refusal(42); });

}  // namespace

TEST_CASE("random graphs give what a plain loop gives") {
    on_each_executor([](const Executor& executor) {
        for (std::uint64_t seed = 1; seed <= 6; ++seed) {
            CAPTURE(seed);
            const auto dag = Dag::random(seed, 5'000, static_cast<std::uint32_t>(1 + seed));
            auto graph = dag.graph();
            auto outputs = satchel::testing::all_tasks(graph);
            CHECK(run_for<std::uint64_t>(executor, std::move(graph), outputs) == dag.values());
        }
    });
}

TEST_CASE("random graphs give the outputs that were asked for, in that order") {
    on_each_executor([](const Executor& executor) {
        for (std::uint64_t seed = 1; seed <= 40; ++seed) {
            CAPTURE(seed);
            const auto dag = Dag::random(seed, 10 + 20 * static_cast<std::uint32_t>(seed), 3);
            const auto values = dag.values();
            auto outputs = dag.some_tasks(seed);
            outputs.push_back(outputs.front());
            Numbers expected;
            for (const auto output : outputs) expected.push_back(values[output]);
            CHECK(run_for<std::uint64_t>(executor, dag.graph(), outputs) == expected);
        }
    });
}

TEST_CASE("layers of every kind give what a plain loop gives") {
    on_each_executor([](const Executor& executor) {
        for (std::uint64_t seed = 1; seed <= 40; ++seed) {
            CAPTURE(seed);
            RandomLayers layers(seed);
            const auto outputs = satchel::testing::all_tasks(layers.graph);
            CHECK(run_for<std::uint64_t>(executor, std::move(layers.graph), outputs) ==
                  layers.values);
        }
    });
}

TEST_CASE("a graph without tasks, and one without outputs, end") {
    on_each_executor([](const Executor& executor) {
        CHECK(executor.run(Graph(), {}).empty());
        std::atomic<int> calls{0};
        Graph graph;
        const Function count([&](Arguments&) {
            ++calls;
            return Value();
        });
        for (int k = 0; k < 100; ++k) (void)graph.add(count);
        CHECK(executor.run(std::move(graph), {}).empty());
        CHECK(calls.load() == 100);
    });
}

TEST_CASE("a chain of a million tasks runs and is destroyed without recursion") {
    on_each_executor([](const Executor& executor) {
        constexpr std::uint32_t length = 1'000'000;
        CHECK(run_for<std::uint64_t>(executor, chain(length), {length - 1}) == Numbers{length - 1});
    });
}

TEST_CASE("results a million deep that hold each other are no matter of the graph's") {
    // The chain's values are freed one by one, as its tasks end.
    constexpr std::uint32_t length = 10'000;
    on_each_executor([](const Executor& executor) {
        Census census;
        const Function make([&](Arguments&) { return Value::make<Counted>(census, 0); });
        const Function next([&](Arguments& arguments) {
            return Value::make<Counted>(census, arguments.get<Counted>(0).number + 1);
        });
        Graph graph;
        auto last = graph.add(make);
        for (std::uint32_t k = 1; k < length; ++k) last = graph.add(next, {last});
        CHECK(run_for<Counted>(executor, std::move(graph), {last}).front().number == length - 1);
        CHECK(census.peak.load() == 2);
        CHECK(census.copies.load() == 0);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("a value is gone before a task starts that comes after its last user") {
    on_each_executor([](const Executor& executor) {
        Census census;
        std::atomic<int> alive_at_end{-1};
        Graph graph;
        const auto made =
            graph.add(Function([&](Arguments&) { return Value::make<Counted>(census, 1); }));
        const auto user = graph.add(Layer{"user", 20, number, {Input::one(made)}});
        const auto end = graph.add(Layer{"end",
                                         1,
                                         Function([&](Arguments&) {
                                             alive_at_end = census.alive.load();
                                             return Value();
                                         }),
                                         {Input::all(user, 20)}});
        (void)executor.run(std::move(graph), {end});
        CHECK(alive_at_end == 0);
    });
}

TEST_CASE("a result that nobody wants is dropped at once") {
    Census census;
    Graph graph;
    const Function make([&](Arguments&) { return Value::make<Counted>(census, 1); });
    for (int k = 0; k < 100; ++k) (void)graph.add(make);
    (void)SynchronousExecutor{}.run(std::move(graph), {});
    CHECK(census.peak.load() == 1);
    CHECK(census.alive.load() == 0);
}

TEST_CASE("a tree of many leaves keeps few values alive") {
    constexpr std::uint32_t leaves = 4096;
    on_each_executor([&](const Executor& executor) {
        Census census;
        const Function make([&](Arguments&) { return Value::make<Counted>(census, 1); });
        const Function add([&](Arguments& arguments) {
            return Value::make<Counted>(
                census, arguments.get<Counted>(0).number + arguments.get<Counted>(1).number);
        });
        Graph graph;
        auto level = graph.add(Layer{"leaf", leaves, make, {}});
        for (auto count = leaves; count > 1; count /= 2) {
            level = graph.add(Layer{"add", count / 2, add, {Input::block(level, count, 2)}});
        }
        CHECK(run_for<Counted>(executor, std::move(graph), {level}).front().number == leaves);
        CHECK(census.alive.load() == 0);
        // A path from leaf to root for each thread, and what lies in chunks that it took.
        CHECK(census.peak.load() <= 32 + executor.concurrency() * 128);
    });
}

TEST_CASE("a task that is the only user of a value may move it, others get copies") {
    on_each_executor([](const Executor& executor) {
        Census census;
        const Function make([&](Arguments&) { return Value::make<Counted>(census, 1); });
        const Function take(
            [](Arguments& arguments) { return Value::of(arguments.take<Counted>(0)); });
        const auto run = [&](bool made_is_output, bool literal) {
            census.copies = 0;
            Graph graph;
            const auto made =
                literal ? graph.literal(Value::make<Counted>(census, 1)) : graph.add(make);
            const auto taken = graph.add(take, {made});
            std::vector<TaskIndex> outputs{taken};
            if (made_is_output) outputs.push_back(made);
            for (const auto& one : executor.run(std::move(graph), outputs)) {
                CHECK(one.get<Counted>().number == 1);
            }
            return census.copies.load();
        };
        CHECK(run(false, false) == 0);
        CHECK(run(true, false) == 1);
        CHECK(run(false, true) == 1);
    });
}

TEST_CASE("of several users at most the last moves, and all see the value") {
    on_each_executor([](const Executor& executor) {
        Census census;
        Graph graph;
        const auto made =
            graph.add(Function([&](Arguments&) { return Value::make<Counted>(census, 5); }));
        const Function take(
            [](Arguments& arguments) { return Value::of(arguments.take<Counted>(0).number); });
        const auto first = graph.add(Layer{"take", 50, take, {Input::one(made)}});
        std::vector<TaskIndex> outputs;
        for (std::uint32_t k = 0; k < 50; ++k) outputs.push_back(first + k);
        CHECK(run_for<int>(executor, std::move(graph), outputs) == std::vector<int>(50, 5));
        CHECK(census.copies >= 49);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("a task that gets one value twice may not move it from under itself") {
    on_each_executor([](const Executor& executor) {
        Census census;
        Graph graph;
        const auto made =
            graph.add(Function([&](Arguments&) { return Value::make<Counted>(census, 5); }));
        const auto both = graph.add(Function([](Arguments& arguments) {
                                        const auto a = arguments.take<Counted>(0);
                                        const auto b = arguments.take<Counted>(1);
                                        return Value::of(a.number + b.number);
                                    }),
                                    {made, made});
        CHECK(run_for<int>(executor, std::move(graph), {both}) == std::vector{10});
    });
}

TEST_CASE("an exception comes back as itself") {
    on_each_executor([](const Executor& executor) {
        Graph graph;
        const auto failing = graph.add(refuse);
        const auto after = graph.add(increment, {failing});
        try {
            (void)executor.run(std::move(graph), {after});
            FAIL("nothing was thrown");
        } catch (const Refusal& refusal) {
            CHECK(refusal.code == 42);
        }
        // The executor goes on.
        CHECK(run_for<std::uint64_t>(executor, chain(10), {9}) == Numbers{9});
    });
}

TEST_CASE("what is no std::exception comes back as TaskError that names the task") {
    on_each_executor([](const Executor& executor) {
        const Function fail([](Arguments& arguments) {
            if (arguments.index() == 3) throw 42;
            return Value();
        });
        Graph graph;
        (void)graph.add(number, {}, "first");
        (void)graph.add(Layer{"fail", 5, fail, {}});
        try {
            (void)executor.run(std::move(graph), {});
            FAIL("nothing was thrown");
        } catch (const satchel::TaskError& error) {
            const std::string text = error.what();
            CHECK(text.find("the task fail:3") != std::string::npos);
            CHECK(text.find("not a std::exception") != std::string::npos);
            CHECK(error.details().task == "fail:3");
            CHECK(error.details().type == "int");
        }
    });
}

TEST_CASE("nothing starts after an exception but what was running") {
    on_each_executor([](const Executor& executor) {
        std::atomic<bool> one_failed{false};
        std::atomic<int> started{0};
        std::atomic<int> dependents{0};
        const Function fail_or_wait([&](Arguments&) -> Value {
            ++started;
            if (!one_failed.exchange(true)) throw Refusal(1);
            while (!satchel::this_task::stop_requested()) {
            }
            return Value();
        });
        const Function dependent([&](Arguments&) {
            ++dependents;
            return Value();
        });
        Graph graph;
        const auto first = graph.add(Layer{"fail", 1'000, fail_or_wait, {}});
        (void)graph.add(Layer{"dependent", 1'000, dependent, {Input::same(first, 1'000)}});
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {}), Refusal);
        CHECK(started <= executor.concurrency());
        CHECK(dependents == 0);
    });
}

TEST_CASE("of many exceptions one comes back") {
    on_each_executor([](const Executor& executor) {
        for (int k = 0; k < 50; ++k) {
            Graph graph;
            (void)graph.add(Layer{"refuse", 100, refuse, {}});
            CHECK_THROWS_AS((void)executor.run(std::move(graph), {}), Refusal);
        }
    });
}

TEST_CASE("what had been computed before an exception is freed") {
    on_each_executor([](const Executor& executor) {
        Census census;
        Graph graph;
        const auto made =
            graph.add(Layer{"make",
                            100,
                            Function([&](Arguments&) { return Value::make<Counted>(census, 1); }),
                            {}});
        const auto failing = graph.add(Layer{"refuse", 1, refuse, {Input::all(made, 100)}});
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {made, failing}), Refusal);
        CHECK(census.alive.load() == 0);
    });
}

TEST_CASE("a function's state and the literals are freed with the run") {
    on_each_executor([](const Executor& executor) {
        const auto state = std::make_shared<int>(1);
        const auto literal = std::make_shared<int>(2);
        Graph graph;
        const auto reference = graph.literal(Value::of(literal));
        const auto task =
            graph.add(Function([state](Arguments& arguments) {
                          return Value::of(*state + *arguments.get<std::shared_ptr<int>>(0));
                      }),
                      {reference});
        CHECK(run_for<int>(executor, std::move(graph), {task}) == std::vector{3});
        CHECK(state.use_count() == 1);
        CHECK(literal.use_count() == 1);
    });
}

TEST_CASE("the synchronous executor runs in the calling thread, the pool does not") {
    const auto runs_here = [](const Executor& executor) {
        Graph graph;
        const auto task = graph.add(Function([here = std::this_thread::get_id()](Arguments&) {
            return Value::of(std::this_thread::get_id() == here);
        }));
        return bool{run_for<bool>(executor, std::move(graph), {task}).front()};
    };
    CHECK(runs_here(SynchronousExecutor{}));
    CHECK_FALSE(runs_here(ThreadPoolExecutor{1}));
}

TEST_CASE("the synchronous executor keeps to one order") {
    const auto order_of_run = [] {
        const auto dag = Dag::random(3, 300, 3);
        std::vector<TaskIndex> order;
        Graph graph;
        for (TaskIndex task = 0; task < dag.inputs.size(); ++task) {
            (void)graph.add(Function([&order, task](Arguments&) {
                                order.push_back(task);
                                return Value();
                            }),
                            dag.inputs[task]);
        }
        (void)SynchronousExecutor{}.run(std::move(graph), {});
        return order;
    };
    const auto order = order_of_run();
    CHECK(order.size() == 300);
    CHECK(order == order_of_run());
}

TEST_CASE("tasks know that they are tasks, and on which executor") {
    CHECK_FALSE(satchel::this_task::active());
    CHECK_FALSE(satchel::this_task::stop_requested());
    CHECK_FALSE(satchel::this_task::stop_token().stop_possible());
    CHECK_THROWS_AS((void)satchel::this_task::executor(), satchel::Error);
    on_each_executor([](const Executor& executor) {
        Graph graph;
        const auto task = graph.add(Function([](Arguments&) {
            const bool consistent =
                satchel::this_task::active() && !satchel::this_task::stop_requested() &&
                satchel::default_executor().get() == &satchel::this_task::executor();
            return Value::of(consistent ? satchel::this_task::executor().concurrency() : -1);
        }));
        CHECK(run_for<std::int64_t>(executor, std::move(graph), {task}) ==
              std::vector{executor.concurrency()});
    });
    CHECK_FALSE(satchel::this_task::active());
}

TEST_CASE("a graph that cannot run is refused before anything runs") {
    on_each_executor([](const Executor& executor) {
        std::atomic<int> calls{0};
        Graph graph;
        const std::vector<satchel::Key> unknown{{satchel::Token::of("unknown"), 0}};
        (void)graph.add(Function([&](Arguments&) {
            ++calls;
            return Value();
        }));
        (void)graph.add({satchel::Token::of("known"), 0}, number, unknown, "known");
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {0}), satchel::GraphError);
        CHECK(calls.load() == 0);
    });
}
