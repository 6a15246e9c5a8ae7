// Runs inside of tasks, and several runs at once on one pool.
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/this_task.hpp>

#include "engine/support.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
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
using satchel::ThreadPoolExecutor;
using satchel::Value;
using satchel::testing::Dag;
using satchel::testing::on_each_executor;
using satchel::testing::run_for;

namespace {

// A graph of `tasks` independent calls.
Graph many(std::uint32_t tasks, const std::function<void()>& call) {
    Graph graph;
    (void)graph.add(Layer{"call",
                          tasks,
                          Function([call](Arguments&) {
                              call();
                              return Value();
                          }),
                          {}});
    return graph;
}

int depth_reached(int depth) {
    if (depth == 0) return 0;
    Graph graph;
    const auto task = graph.add(
        Function([depth](Arguments&) { return Value::of(1 + depth_reached(depth - 1)); }));
    return run_for<int>(satchel::this_task::executor(), std::move(graph), {task}).front();
}

// Keeps a thread busy for a moment, as a task that computes does.
void compute_for(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace

TEST_CASE("runs nest as deep as one likes, also on one thread") {
    on_each_executor([](const Executor& executor) {
        Graph graph;
        const auto task =
            graph.add(Function([](Arguments&) { return Value::of(depth_reached(100)); }));
        CHECK(run_for<int>(executor, std::move(graph), {task}) == std::vector{100});
    });
}

TEST_CASE("every task of a wide graph may wait for a graph of its own") {
    on_each_executor([](const Executor& executor) {
        const auto dag = Dag::random(5, 60, 3);
        const auto values = dag.values();
        const Function nested([&](Arguments&) {
            return Value::of(
                run_for<std::uint64_t>(satchel::this_task::executor(), dag.graph(), {59}).front());
        });
        Graph graph;
        const auto first = graph.add(Layer{"nested", 200, nested, {}});
        std::vector<satchel::TaskIndex> outputs;
        for (std::uint32_t k = 0; k < 200; ++k) outputs.push_back(first + k);
        CHECK(run_for<std::uint64_t>(executor, std::move(graph), outputs) ==
              std::vector<std::uint64_t>(200, values[59]));
    });
}

TEST_CASE("a task that waits while it holds a mutex runs no task that wants the same mutex") {
    on_each_executor([](const Executor& executor) {
        std::mutex mutex;
        std::atomic<int> nested_calls{0};
        static thread_local int held_here = 0;
        std::atomic<int> foreign{0};
        const auto outer = [&] {
            if (held_here != 0) {  // locking again would never return
                ++foreign;
                return;
            }
            const std::lock_guard lock(mutex);
            ++held_here;
            (void)satchel::this_task::executor().run(many(20, [&] { ++nested_calls; }), {});
            --held_here;
        };
        (void)executor.run(many(100, outer), {});
        CHECK(foreign == 0);
        CHECK(nested_calls == 100 * 20);
    });
}

TEST_CASE("a thread that waits for a nested run takes no task of another run") {
    const ThreadPoolExecutor pool(2);
    static thread_local bool waits_here = false;
    std::atomic<int> foreign{0};
    std::atomic<bool> over{false};
    std::thread other([&] {  // keeps runs coming that want a thread
        while (!over) {
            (void)pool.run(many(10, [&] { foreign += waits_here ? 1 : 0; }), {});
        }
    });
    const auto outer = [&] {
        waits_here = true;
        Graph graph;
        // The second thread of the pool may help, so that the first has nothing to do for a while.
        (void)graph.add(Layer{"nested",
                              4,
                              Function([](Arguments&) {
                                  const bool waited = std::exchange(waits_here, false);
                                  compute_for(std::chrono::microseconds(50));
                                  waits_here = waited;
                                  return Value();
                              }),
                              {}});
        (void)satchel::this_task::executor().run(std::move(graph), {});
        waits_here = false;
    };
    (void)pool.run(many(300, outer), {});
    over = true;
    other.join();
    CHECK(foreign == 0);
}

TEST_CASE("an exception in a nested run passes through the task that waits for it") {
    on_each_executor([](const Executor& executor) {
        const auto nested = [] {
            (void)satchel::this_task::executor().run(
                many(10, [] { throw std::out_of_range("inner"); }), {});
        };
        CHECK_THROWS_AS((void)executor.run(many(3, nested), {}), std::out_of_range);
        std::atomic<int> caught{0};
        const auto catching = [&] {
            try {
                (void)satchel::this_task::executor().run(
                    many(10, [] { throw std::out_of_range("inner"); }), {});
            } catch (const std::out_of_range&) {
                ++caught;
            }
        };
        (void)executor.run(many(3, catching), {});
        CHECK(caught == 3);
    });
}

TEST_CASE("executors nest in each other") {
    const ThreadPoolExecutor outer(2);
    const ThreadPoolExecutor inner(2);
    const auto count_on = [](const Executor& first, const Executor& second) {
        std::atomic<int> calls{0};
        (void)first.run(many(10,
                             [&] {
                                 (void)second.run(many(10,
                                                       [&] {
                                                           ++calls;
                                                           (void)satchel::this_task::executor().run(
                                                               many(1, [&] { ++calls; }), {});
                                                       }),
                                                  {});
                             }),
                        {});
        return calls.load();
    };
    CHECK(count_on(outer, inner) == 200);
    CHECK(count_on(outer, outer) == 200);
    CHECK(count_on(SynchronousExecutor{}, inner) == 200);
    CHECK(count_on(outer, SynchronousExecutor{}) == 200);
    CHECK(count_on(SynchronousExecutor{}, SynchronousExecutor{}) == 200);
}

TEST_CASE("pools may wait for each other") {
    const ThreadPoolExecutor one(1);
    const ThreadPoolExecutor other(1);
    SUBCASE("to and fro") {
        const auto nest = [&](const auto& self, int depth) -> int {
            if (depth == 0) return 0;
            Graph graph;
            const auto task = graph.add(Function(
                [&self, depth](Arguments&) { return Value::of(1 + self(self, depth - 1)); }));
            return run_for<int>(depth % 2 == 0 ? one : other, std::move(graph), {task}).front();
        };
        for (int k = 0; k < 50; ++k) CHECK(nest(nest, 9) == 9);
    }
    SUBCASE("each for the other at the same time, one of them with a lock that the other needs") {
        for (int k = 0; k < 50; ++k) {
            std::mutex mutex;
            std::atomic<int> begun{0};
            std::atomic<int> calls{0};
            const auto meet = [&] {
                ++begun;
                begun.notify_all();
                begun.wait(1);
            };
            std::thread caller([&] {
                const auto locking = [&] {
                    const std::lock_guard lock(mutex);
                    meet();
                    (void)other.run(many(5, [&] { ++calls; }), {});
                };
                (void)one.run(many(1, locking), {});
            });
            const auto wanting = [&] {
                meet();
                (void)one.run(many(5,
                                   [&] {
                                       const std::lock_guard lock(mutex);
                                       ++calls;
                                   }),
                              {});
            };
            (void)other.run(many(1, wanting), {});
            caller.join();
            CHECK(calls == 10);
        }
    }
    SUBCASE("from every task of a wide run") {
        std::atomic<int> calls{0};
        const auto back = [&] { (void)one.run(many(3, [&] { ++calls; }), {}); };
        const auto there = [&] { (void)other.run(many(5, back), {}); };
        (void)one.run(many(20, there), {});
        CHECK(calls == 20 * 5 * 3);
    }
}

TEST_CASE("while a task waits for another pool, no further task of its run begins") {
    const ThreadPoolExecutor one(1);
    const ThreadPoolExecutor other(1);
    std::atomic<int> at_once{0};
    std::atomic<int> most{0};
    const auto back = [&] { (void)one.run(many(3, [] {}), {}); };
    const auto there = [&] {
        if (++at_once > 1) most = 2;
        (void)other.run(many(3, back), {});
        --at_once;
    };
    const auto second = one.submit(many(20, there), {});
    (void)one.run(many(20, there), {});
    (void)second->take();
    CHECK(most == 0);
}

TEST_CASE("a task is a task of the innermost run") {
    const ThreadPoolExecutor pool(1);
    std::int64_t inside = 0;
    bool back_outside = false;
    const auto outer = [&] {
        const auto* own = &satchel::this_task::executor();
        (void)SynchronousExecutor{}.run(
            many(1, [&] { inside = satchel::this_task::executor().concurrency(); }), {});
        back_outside = own == &satchel::this_task::executor();
    };
    (void)pool.run(many(1, outer), {});
    CHECK(inside == 1);
    CHECK(back_outside);
}

TEST_CASE("several threads run graphs on one pool at once") {
    for (const std::int64_t threads : {1, 2, 7}) {
        CAPTURE(threads);
        const ThreadPoolExecutor pool(threads);
        std::atomic<int> wrong{0};
        std::vector<std::thread> callers;
        for (std::uint64_t caller = 0; caller < 6; ++caller) {
            callers.emplace_back([&, caller] {
                for (std::uint64_t k = 0; k < 20; ++k) {
                    const auto dag = Dag::random(100 * caller + k, 300, 3);
                    auto graph = dag.graph();
                    auto outputs = satchel::testing::all_tasks(graph);
                    if (run_for<std::uint64_t>(pool, std::move(graph), outputs) != dag.values()) {
                        ++wrong;
                    }
                }
            });
        }
        for (auto& caller : callers) caller.join();
        CHECK(wrong == 0);
    }
}

TEST_CASE("a short run is done while a long one occupies the pool") {
    // The long run ends early when the short one is done; else it would run for several seconds.
    constexpr std::uint32_t length = 20'000;
    std::atomic<bool> long_began{false};
    std::atomic<bool> short_done{false};
    std::atomic<std::uint32_t> steps{0};
    const Function step([&](Arguments&) {
        long_began = true;
        long_began.notify_all();
        if (!short_done) {
            ++steps;
            compute_for(std::chrono::microseconds(200));
        }
        return Value();
    });
    Graph graph;
    SUBCASE("of independent tasks") { (void)graph.add(Layer{"step", length, step, {}}); }
    SUBCASE("that is a chain") {
        auto last = graph.add(step);
        for (std::uint32_t k = 1; k < length; ++k) last = graph.add(step, {last});
    }
    SUBCASE("that fans out of one task") {
        const auto first = graph.add(step);
        (void)graph.add(Layer{"step", length - 1, step, {Input::one(first)}});
    }
    const ThreadPoolExecutor pool(1);
    const auto submission = pool.submit(std::move(graph), {});
    long_began.wait(false);
    (void)pool.run(many(3, [] {}), {});
    short_done = true;
    (void)submission->take();
    CHECK(steps < length);
}

TEST_CASE("one task that does not end leaves the other threads to other runs") {
    const ThreadPoolExecutor pool(2);
    std::atomic<bool> short_done{false};
    std::atomic<bool> long_began{false};
    const auto blocked = pool.submit(many(1,
                                          [&] {
                                              long_began = true;
                                              long_began.notify_all();
                                              short_done.wait(false);
                                          }),
                                     {});
    long_began.wait(false);
    for (int k = 0; k < 100; ++k) (void)pool.run(many(10, [] {}), {});
    short_done = true;
    short_done.notify_all();
    (void)blocked->take();
}

TEST_CASE("tasks of one graph run at the same time") {
    // Each of the tasks waits for all to have begun: on too few threads it would never end.
    const ThreadPoolExecutor pool(7);
    for (int k = 0; k < 50; ++k) {
        std::atomic<int> begun{0};
        (void)pool.run(many(7,
                            [&] {
                                ++begun;
                                begun.notify_all();
                                for (int seen = begun; seen < 7; seen = begun) begun.wait(seen);
                            }),
                       {});
        CHECK(begun == 7);
    }
}
