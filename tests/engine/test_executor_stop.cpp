// Stopping a run: from outside by its token, and by destroying its submission.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/this_task.hpp>

#include "engine/support.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using satchel::Arguments;
using satchel::Cancelled;
using satchel::Executor;
using satchel::Function;
using satchel::Graph;
using satchel::Input;
using satchel::Layer;
using satchel::ThreadPoolExecutor;
using satchel::Value;
using satchel::testing::on_each_executor;
using satchel::testing::text_of;

namespace {

// Many tasks that run until they are told to stop, and what became of them.
struct Waiting {
    std::atomic<int> started{0};
    std::atomic<int> running{0};

    Graph graph(std::uint32_t tasks = 1'000) {
        Graph made;
        (void)made.add(Layer{"wait",
                             tasks,
                             Function([this](Arguments&) {
                                 ++running;
                                 ++started;
                                 started.notify_all();
                                 while (!satchel::this_task::stop_requested()) {
                                 }
                                 --running;
                                 return Value();
                             }),
                             {}});
        return made;
    }
    void until_one_started() { started.wait(0); }
};

}  // namespace

TEST_CASE("a token that was stopped before the run lets nothing start") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        source.request_stop();
        for (int k = 0; k < 200; ++k) {
            std::atomic<int> calls{0};
            Graph graph;
            (void)graph.add(Layer{"count",
                                  20,
                                  Function([&](Arguments&) {
                                      ++calls;
                                      return Value();
                                  }),
                                  {}});
            CHECK_THROWS_AS((void)executor.run(std::move(graph), {}, {source.get_token()}),
                            Cancelled);
            REQUIRE(calls == 0);
        }
    });
}

TEST_CASE("a token stops a run from another thread") {
    on_each_executor([](const Executor& executor) {
        Waiting waiting;
        std::stop_source source;
        const std::jthread stopper([&] {
            waiting.until_one_started();
            source.request_stop();
        });
        const auto text = text_of<Cancelled>(
            [&] { (void)executor.run(waiting.graph(), {}, {source.get_token()}); });
        CHECK(text.find("stopped") != std::string::npos);
        CHECK(waiting.running == 0);
        CHECK(waiting.started <= executor.concurrency());
    });
}

TEST_CASE("a task may stop its own run") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        std::atomic<int> calls{0};
        Graph graph;
        const auto stopping = graph.add(Function([&](Arguments&) {
            source.request_stop();
            return Value();
        }));
        (void)graph.add(Function([&](Arguments&) {
                            ++calls;
                            return Value();
                        }),
                        {stopping});
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {}, {source.get_token()}), Cancelled);
        CHECK(calls.load() == 0);
    });
}

TEST_CASE("stopping after the end changes nothing") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        Graph graph;
        const auto one = graph.add(Function([](Arguments&) { return Value::of(1); }));
        const auto submission = executor.submit(std::move(graph), {one}, {source.get_token()});
        while (!submission->done()) std::this_thread::yield();
        source.request_stop();
        CHECK(submission->take().front().get<int>() == 1);
    });
}

TEST_CASE("the token of a task is the run's: callbacks are called when it stops") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        std::atomic<int> callbacks{0};
        std::atomic<bool> started{false};
        Graph graph;
        (void)graph.add(Function([&](Arguments&) {
            const std::stop_callback callback(satchel::this_task::stop_token(),
                                              [&] { ++callbacks; });
            started = true;
            started.notify_all();
            while (callbacks == 0) {
            }
            return Value();
        }));
        const std::jthread stopper([&] {
            started.wait(false);
            source.request_stop();
        });
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {}, {source.get_token()}), Cancelled);
        CHECK(callbacks == 1);
    });
}

TEST_CASE("stopping a run stops the runs that its tasks wait for, however deep") {
    const ThreadPoolExecutor other(2);
    on_each_executor([&](const Executor& executor) {
        for (const auto* inner : {&executor, static_cast<const Executor*>(&other)}) {
            Waiting waiting;
            const auto nest = [&](const auto& self, int depth) -> Graph {
                if (depth == 0) return waiting.graph();
                Graph graph;
                (void)graph.add(Function([&self, inner, depth](Arguments&) {
                    (void)inner->run(self(self, depth - 1), {});
                    return Value();
                }));
                return graph;
            };
            std::stop_source source;
            const std::jthread stopper([&] {
                waiting.until_one_started();
                source.request_stop();
            });
            CHECK_THROWS_AS((void)executor.run(nest(nest, 3), {}, {source.get_token()}), Cancelled);
            CHECK(waiting.running == 0);
            CHECK(waiting.started <= inner->concurrency());
        }
    });
}

TEST_CASE("a task that goes on after the stop can begin no run") {
    on_each_executor([](const Executor& executor) {
        std::stop_source source;
        std::atomic<int> calls{0};
        Graph graph;
        (void)graph.add(Function([&](Arguments&) {
            source.request_stop();
            Graph nested;
            (void)nested.add(Function([&](Arguments&) {
                ++calls;
                return Value();
            }));
            CHECK_THROWS_AS((void)satchel::this_task::executor().run(std::move(nested), {}),
                            Cancelled);
            return Value();
        }));
        CHECK_THROWS_AS((void)executor.run(std::move(graph), {}, {source.get_token()}), Cancelled);
        CHECK(calls == 0);
    });
}

TEST_CASE("an exception in one task stops the run that another one waits for") {
    const ThreadPoolExecutor pool(2);
    Waiting waiting;
    Graph graph;
    (void)graph.add(Function([&](Arguments&) {
        (void)satchel::this_task::executor().run(waiting.graph(1), {});
        return Value();
    }));
    (void)graph.add(Function([&](Arguments&) -> Value {
        waiting.until_one_started();
        throw std::logic_error("the other one");
    }));
    CHECK_THROWS_AS((void)pool.run(std::move(graph), {}), std::logic_error);
    CHECK(waiting.running == 0);
}

TEST_CASE("an exception in one task stops the tokens of the others") {
    const ThreadPoolExecutor pool(2);
    std::atomic<bool> other_runs{false};
    Graph graph;
    (void)graph.add(Function([&](Arguments&) {
        const auto token = satchel::this_task::stop_token();
        other_runs = true;
        other_runs.notify_all();
        while (!token.stop_requested()) {
        }
        return Value();
    }));
    (void)graph.add(Function([&](Arguments&) -> Value {
        other_runs.wait(false);
        throw std::logic_error("the other one");
    }));
    CHECK_THROWS_AS((void)pool.run(std::move(graph), {}), std::logic_error);
}

TEST_CASE("a token that was stopped with its run is stopped when asked for later") {
    const ThreadPoolExecutor pool(2);
    std::atomic<bool> was_stopped{false};
    std::atomic<bool> waits{false};
    std::stop_source source;
    Graph graph;
    (void)graph.add(Function([&](Arguments&) {
        waits = true;
        waits.notify_all();
        while (!satchel::this_task::stop_requested()) {
        }
        was_stopped = satchel::this_task::stop_token().stop_requested();
        return Value();
    }));
    const std::jthread stopper([&] {
        waits.wait(false);
        source.request_stop();
    });
    CHECK_THROWS_AS((void)pool.run(std::move(graph), {}, {source.get_token()}), Cancelled);
    CHECK(was_stopped);
}

TEST_CASE("destroying a submission stops it and waits for what runs") {
    for (const std::int64_t threads : {1, 2, 7}) {
        const ThreadPoolExecutor pool(threads);
        Waiting waiting;
        {
            const auto submission = pool.submit(waiting.graph(), {});
            waiting.until_one_started();
            CHECK_FALSE(submission->done());
        }
        CHECK(waiting.running == 0);
        CHECK(waiting.started <= threads);
    }
}

TEST_CASE("submissions destroyed at any moment leave nothing behind") {
    const ThreadPoolExecutor pool(2);
    satchel::testing::Census census;
    const auto dag = satchel::testing::Dag::random(1, 200, 3);
    for (int k = 0; k < 500; ++k) {
        Graph graph;
        const Function make(
            [&](Arguments&) { return Value::make<satchel::testing::Counted>(census, 1); });
        for (const auto& inputs : dag.inputs) (void)graph.add(make, inputs);
        const auto submission = pool.submit(std::move(graph), {199});
        for (int spin = 0; spin < k; ++spin) (void)submission->done();
    }
    CHECK(census.alive.load() == 0);
}

TEST_CASE("many runs are stopped by one token") {
    const ThreadPoolExecutor pool(2);
    std::stop_source source;
    Waiting waiting;
    std::vector<std::unique_ptr<satchel::Submission>> submissions;
    for (int k = 0; k < 20; ++k) {
        submissions.push_back(pool.submit(waiting.graph(5), {}, {source.get_token()}));
    }
    waiting.until_one_started();
    source.request_stop();
    for (const auto& submission : submissions) {
        CHECK_THROWS_AS((void)submission->take(), Cancelled);
    }
    // Runs are stopped one after another; a thread that is freed early may begin in a later one.
    CHECK(waiting.running == 0);
}

TEST_CASE("runs and stops race, and every run ends in one of the two ways") {
    on_each_executor([](const Executor& executor) {
        for (int k = 0; k < 300; ++k) {
            std::stop_source source;
            Graph graph;
            auto last = graph.add(Function([](Arguments&) { return Value::of(7); }));
            const Function pass([](Arguments& arguments) { return arguments.share(0); });
            for (int task = 0; task < 50; ++task) last = graph.add(pass, {last});
            const std::jthread stopper([&] { source.request_stop(); });
            try {
                const auto results = executor.run(std::move(graph), {last}, {source.get_token()});
                REQUIRE(results.front().get<int>() == 7);
            } catch (const Cancelled&) {
            }
        }
    });
}
