// The pool as a thing that lives: its beginning, its end, what it costs when it has nothing to do.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/this_task.hpp>

#include "engine/support.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using satchel::Arguments;
using satchel::Function;
using satchel::Graph;
using satchel::Layer;
using satchel::ThreadPoolExecutor;
using satchel::Value;
using satchel::testing::run_for;
using satchel::testing::text_of;

namespace {

Graph one_task(int result) {
    Graph graph;
    (void)graph.add(Function([result](Arguments&) { return Value::of(result); }));
    return graph;
}

Graph some_tasks() {
    Graph graph;
    (void)graph.add(Layer{"some", 50, Function([](Arguments&) { return Value::of(1); }), {}});
    return graph;
}

double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Waits for what never comes, without using the processor.
void wait_ms(int milliseconds) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pollfd end{ends[0], POLLIN, 0};
    CHECK(poll(&end, 1, milliseconds) == 0);
    close(ends[0]);
    close(ends[1]);
}

// What `f` returns in a process of its own.
template <class F>
int in_child(F f) {
    const auto child = fork();
    if (child == 0) _exit(f());
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a pool has between 1 and 4096 threads") {
    for (const std::int64_t threads : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{4097},
                                       std::int64_t{1} << 32, (std::int64_t{1} << 32) + 1}) {
        const auto text = text_of<satchel::InvalidArgument>([&] { ThreadPoolExecutor{threads}; });
        CHECK(text.find(std::to_string(threads)) != std::string::npos);
        CHECK(text.find("4096") != std::string::npos);
    }
    CHECK(ThreadPoolExecutor{3}.concurrency() == 3);
    CHECK(ThreadPoolExecutor{}.concurrency() == satchel::default_concurrency());
    CHECK(satchel::SynchronousExecutor{}.concurrency() == 1);
}

TEST_CASE("the default executor is one for all, and has the default concurrency") {
    const auto executor = satchel::default_executor();
    CHECK(executor == satchel::default_executor());
    CHECK(executor->concurrency() == satchel::default_concurrency());
    CHECK(run_for<int>(*executor, one_task(3), {0}) == std::vector{3});
    CHECK(satchel::ExecutorReference().resolve() == executor);
}

TEST_CASE("an executor in an options struct is that executor") {
    const ThreadPoolExecutor pool(1);
    CHECK(satchel::ExecutorReference(pool).resolve().get() == &pool);
    CHECK(satchel::ExecutorReference(&pool).resolve().get() == &pool);
}

TEST_CASE("default_concurrency respects the affinity mask") {
    CHECK(satchel::default_concurrency() >= 1);
    const auto in_one_processor = in_child([] {
        cpu_set_t allowed;
        if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 100;
        for (int processor = 0, seen = 0; processor < CPU_SETSIZE; ++processor) {
            if (CPU_ISSET(processor, &allowed) && seen++ > 0) CPU_CLR(processor, &allowed);
        }
        if (sched_setaffinity(0, sizeof allowed, &allowed) != 0) return 101;
        return static_cast<int>(satchel::default_concurrency());
    });
    CHECK(in_one_processor == 1);
}

TEST_CASE("a pool may be destroyed right after it was made or used") {
    for (int k = 0; k < 200; ++k) ThreadPoolExecutor{2};
    for (int k = 0; k < 200; ++k) {
        const ThreadPoolExecutor pool(3);
        (void)pool.run(some_tasks(), {});
    }
}

TEST_CASE("a submission outlives the pool's handle") {
    for (int k = 0; k < 100; ++k) {
        std::optional<ThreadPoolExecutor> pool(std::in_place, 2);
        const auto submission = pool->submit(one_task(k), {0});
        pool.reset();
        CHECK(submission->take().front().get<int>() == k);
    }
}

TEST_CASE("the last handle of a pool may go away inside one of its tasks") {
    for (int k = 0; k < 100; ++k) {
        auto pool = std::make_shared<ThreadPoolExecutor>(2);
        Graph graph;
        const auto holder = graph.literal(Value::of(pool));
        const auto task = graph.add(Function([](Arguments& arguments) {
                                        auto held =
                                            arguments.get<std::shared_ptr<ThreadPoolExecutor>>(0);
                                        return Value::of(run_for<int>(*held, one_task(4), {0})[0]);
                                    }),
                                    {holder});
        const auto submission = pool->submit(std::move(graph), {task});
        pool.reset();
        CHECK(submission->take().front().get<int>() == 4);
    }
}

TEST_CASE("an exception outlives its pool") {
    std::exception_ptr error;
    {
        const ThreadPoolExecutor pool(2);
        Graph graph;
        (void)graph.add(Function([](Arguments&) -> Value { throw std::range_error("kept"); }));
        try {
            (void)pool.run(std::move(graph), {});
        } catch (...) {
            error = std::current_exception();
        }
    }
    CHECK(text_of<std::range_error>([&] { std::rethrow_exception(error); }) == "kept");
}

TEST_CASE("thousands of tiny submissions") {
    for (const std::int64_t threads : {1, 2, 7}) {
        CAPTURE(threads);
        const ThreadPoolExecutor pool(threads);
        SUBCASE("one after the other") {
            for (int k = 0; k < 3'000; ++k) {
                REQUIRE(run_for<int>(pool, one_task(k), {0}) == std::vector{k});
            }
        }
        SUBCASE("a hundred in flight") {
            std::deque<std::unique_ptr<satchel::Submission>> submissions;
            int taken = 0;
            for (int k = 0; k < 10'000; ++k) {
                submissions.push_back(pool.submit(one_task(k), {0}));
                if (submissions.size() < 100) continue;
                REQUIRE(submissions.front()->take().front().get<int>() == taken++);
                submissions.pop_front();
            }
        }
        SUBCASE("from several threads") {
            std::atomic<int> wrong{0};
            std::vector<std::thread> callers;
            for (int caller = 0; caller < 4; ++caller) {
                callers.emplace_back([&] {
                    for (int k = 0; k < 1'000; ++k) {
                        if (run_for<int>(pool, one_task(k), {0})[0] != k) ++wrong;
                    }
                });
            }
            for (auto& caller : callers) caller.join();
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("submissions may be taken in any order") {
    const ThreadPoolExecutor pool(2);
    std::vector<std::unique_ptr<satchel::Submission>> submissions;
    for (int k = 0; k < 100; ++k) submissions.push_back(pool.submit(one_task(k), {0}));
    for (int k = 99; k >= 0; --k) {
        CHECK(submissions[static_cast<std::size_t>(k)]->take().front().get<int>() == k);
    }
}

TEST_CASE("an idle pool uses no processor time") {
    const ThreadPoolExecutor pool(7);
    SUBCASE("that has not been used") {}
    SUBCASE("that has been used") { (void)pool.run(some_tasks(), {}); }
    const auto before = cpu_seconds();
    wait_ms(300);
    CHECK(cpu_seconds() - before < 0.005);
}

TEST_CASE("a pool whose only task waits uses next to no processor time") {
    const ThreadPoolExecutor pool(7);
    double used = 1;
    Graph graph;
    (void)graph.add(Function([&](Arguments&) {
        const auto before = cpu_seconds();
        wait_ms(300);
        used = cpu_seconds() - before;
        return Value();
    }));
    (void)pool.run(std::move(graph), {});
    CHECK(used < 0.03);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("threads that cannot be started are an error, not the end of the process") {
    const auto outcome = in_child([] {
        rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
        if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
        try {
            ThreadPoolExecutor{4096};
        } catch (const std::exception&) {
            return 0;
        }
        return 1;
    });
    CHECK(outcome == 0);
}
#endif
