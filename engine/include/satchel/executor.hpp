/// Executors run graphs: in the calling thread, on a thread pool, and on a cluster (client.hpp).
///
///     satchel::ThreadPoolExecutor pool(8);
///     bag.compute(pool);                                   // here
///     bag.compute(satchel::SynchronousExecutor{});         // in this thread, one task at a time
///     bag.compute();                                       // on the default executor
///
/// The default executor is, inside a task, the one that runs it; else the newest open Client; else
/// the process's own pool, which is started when it is first used and has a thread for each
/// processor that the process may use.
///
/// Thread safety: an executor may be used from several threads at once, also from inside its own
/// tasks.
#pragma once

#include <satchel/detail/run_progress.hpp>
#include <satchel/graph.hpp>
#include <satchel/value.hpp>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

namespace satchel {

/// How a graph is run.
struct RunOptions {
    /// Stops the run from outside: what has not started is left out, and the run throws Cancelled.
    /// It also reaches every function that takes a `std::stop_token` as its last parameter. A run
    /// that a task submits is stopped with the run of that task, whatever is given here.
    std::stop_token stop_token = {};
    /// For the library: where the executor counts what it has done.
    std::shared_ptr<detail::RunProgress> progress = {};
};

/// A graph that was handed to an executor. Destroying it stops what has not started and waits for
/// what has. Belongs to one thread at a time.
class Submission {
  public:
    Submission() = default;
    Submission(const Submission&) = delete;
    Submission& operator=(const Submission&) = delete;
    virtual ~Submission() = default;

    /// Whether everything has ended, so that take() will not wait.
    [[nodiscard]] virtual bool done() const = 0;

    /// Waits for the end and gives the outputs, in the order in which they were asked for.
    /// Throws the first exception that a task threw, as itself; Cancelled if the run was stopped;
    /// TaskError that names the task if it threw what is not a std::exception. To be called once.
    [[nodiscard]] virtual std::vector<Value> take() = 0;
};

/// Something that runs graphs.
class Executor {
  public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    /// Starts a graph; many may run at once. The results of `outputs` are kept, all others are
    /// dropped with their last use. Throws GraphError if the graph cannot run.
    [[nodiscard]] virtual std::unique_ptr<Submission> submit(
        Graph graph, std::vector<TaskIndex> outputs, const RunOptions& options = {}) const = 0;

    /// How many tasks can run at the same time.
    [[nodiscard]] virtual std::int64_t concurrency() const = 0;

    /// Runs a graph to its end: submit() and Submission::take().
    [[nodiscard]] std::vector<Value> run(Graph graph, std::vector<TaskIndex> outputs,
                                         const RunOptions& options = {}) const;

    /// Runs a graph to its end and leaves the results where they were computed. What it gives are
    /// results, as of run(), or what stands for them: that can only be used in later graphs, which
    /// is what persist() does with it.
    [[nodiscard]] virtual std::vector<Value> keep(Graph graph, std::vector<TaskIndex> outputs,
                                                  const RunOptions& options = {}) const;
};

/// Runs everything in the calling thread, one task after the other, in a fixed order: for
/// debugging.
class SynchronousExecutor final : public Executor {
  public:
    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options = {}) const override;
    [[nodiscard]] std::int64_t concurrency() const override { return 1; }
};

namespace detail {
class ThreadPool;
}

/// Runs tasks on threads of its own; whoever asks for a result only waits. A pool that has nothing
/// to do uses no processor time. Destroying it ends the threads when the graphs that it runs have
/// ended. While a task waits for a graph on another pool, an additional thread takes care of graphs
/// that tasks have submitted, so that pools may wait for each other.
class ThreadPoolExecutor final : public Executor {
  public:
    /// As many threads as `default_concurrency()`.
    ThreadPoolExecutor();
    /// Throws InvalidArgument unless 1 <= threads <= 4096.
    explicit ThreadPoolExecutor(std::int64_t threads);
    ~ThreadPoolExecutor() override;

    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options = {}) const override;
    [[nodiscard]] std::int64_t concurrency() const override;

  private:
    std::shared_ptr<detail::ThreadPool> pool_;
};

/// How many threads this process should use: the processors that it may run on, or fewer where a
/// cgroup's CPU quota (rounded up) allows less.
[[nodiscard]] std::int64_t default_concurrency();

/// The executor that is used where none is given: inside a task, the one that runs it; else the
/// newest Client that is open; else a pool with a thread for each processor. The pointer keeps it
/// alive, but not for longer than the task if it was asked for in one.
[[nodiscard]] std::shared_ptr<const Executor> default_executor();

/// An executor that may be left out of an options struct: `{.executor = pool}` or `{.executor =
/// &pool}`. The executor must outlive it.
class ExecutorReference {
  public:
    ExecutorReference() = default;
    ExecutorReference(const Executor& executor) : executor_(&executor) {}  // NOLINT
    ExecutorReference(const Executor* executor) : executor_(executor) {}   // NOLINT

    /// The executor, or the default one.
    [[nodiscard]] std::shared_ptr<const Executor> resolve() const;

  private:
    const Executor* executor_ = nullptr;
};

}  // namespace satchel
