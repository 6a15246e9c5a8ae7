// Job: one graph while it runs in this process. Threads come and work on it; it owns no thread.
//
// A thread takes a ready task from its own deque, else the next source of the graph, else one from
// another thread's deque. A finished task's first ready successor runs at once, the others go to
// the deque; so a thread follows the graph in depth, and few results wait for their last use.
//
// Where many tasks have one successor in common and no other, threads would take turns at counting
// it down. So a thread counts for itself (owes) while the task that it runs next has the same only
// successor, which cannot become ready before that anyhow, and settles when it runs another.
//
// Invariants. A slot's counter is, until its task has run, the number of inputs that are not there
// yet; after that, the number of tasks that still need its value (one more if it is an output). The
// value is destroyed when that number gets to zero.
#pragma once

#include <satchel/executor.hpp>

#include "graph/compiled.hpp"
#include "graph/task_context.hpp"
#include "local/deque.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace satchel::detail {

/// Whom a job tells that there is more work than the threads that are at it can do soon.
class Waker {
  public:
    /// Whether a thread is asleep. Called after every task that made others ready: must be cheap.
    [[nodiscard]] bool has_sleepers() const noexcept {
        return sleepers_.load(std::memory_order_relaxed) > 0;
    }
    virtual void wake_one() = 0;

  protected:
    ~Waker() = default;
    std::atomic<std::int32_t> sleepers_{0};
};

class Job : public TaskContext {
  public:
    /// `executor` is what this_task::executor() gives inside the tasks.
    Job(CompiledGraph graph, std::vector<TaskIndex> outputs, std::uint32_t threads,
        const Executor& executor, Waker* waker, std::shared_ptr<RunProgress> progress);

    /// Runs tasks as thread number `thread` until there is none to take, `deadline` has passed, or
    /// the job is over. Several threads may be inside, each under a number of its own.
    void work(std::uint32_t thread, std::chrono::steady_clock::time_point deadline);

    /// Whether a thread that comes now would find a task.
    [[nodiscard]] bool has_work() const noexcept;

    /// How many tasks could start at once when the job begins.
    [[nodiscard]] std::size_t source_count() const noexcept { return graph_.sources.size(); }

    /// Whether nothing is left to start: all tasks have run, or the job was stopped.
    [[nodiscard]] bool over() const noexcept {
        return stopped() || finished_.load(std::memory_order_acquire) == size_;
    }
    [[nodiscard]] bool stopped() const noexcept override {
        return stopped_.load(std::memory_order_relaxed);
    }

    /// Keeps what has not started from starting; the reason counts if it is the first.
    void stop(std::exception_ptr reason) noexcept;

    /// The outputs, or the reason why there are none. REQUIRES: over() and no thread inside.
    [[nodiscard]] std::vector<Value> take();

    /// Drops all results and the graph. REQUIRES: no thread inside.
    void clear() noexcept;

    [[nodiscard]] std::stop_token stop_token() override;
    [[nodiscard]] const Executor& executor() const noexcept override { return executor_; }

  private:
    // What one thread keeps for one job. Aligned, so that threads do not share cache lines.
    struct alignas(64) Seat {
        Deque deque;
        std::uint32_t source = 0;        // sources that this thread has taken and not yet run …
        std::uint32_t source_end = 0;    // … end here
        TaskIndex owed_to = UINT32_MAX;  // a task that waits for more, as others here will add …
        std::uint32_t owed = 0;      // … of whose inputs so many are there and not counted down
        std::uint32_t finished = 0;  // tasks run and not yet added to finished_
        std::uint32_t until_sample = 1;  // tasks until the clock is read again
        std::uint32_t sample_size = 1;   // tasks between the two readings
        std::int64_t average_ns = -1;    // recent time a task took; -1: not known
        std::chrono::steady_clock::time_point sampled;
    };

    void run_from(Seat& seat, TaskIndex task, std::chrono::steady_clock::time_point deadline);
    [[noreturn]] void throw_unknown(TaskIndex task) const;
    void run_chain(Seat& seat, TaskIndex task, std::chrono::steady_clock::time_point deadline);
    TaskIndex take_ready(Seat& seat, std::span<const TaskIndex> successors);
    TaskIndex owe(Seat& seat, TaskIndex successor);
    TaskIndex settle(Seat& seat);
    std::optional<TaskIndex> take_source(Seat& seat);
    bool take_sources(Seat& seat);
    void leave(Seat& seat);
    void count_finished(Seat& seat);
    std::optional<TaskIndex> steal(std::uint32_t thread);
    void sample(Seat& seat);
    void wake_others(Seat& seat);

    CompiledGraph graph_;
    std::uint32_t size_;
    std::vector<TaskIndex> outputs_;
    std::vector<Seat> seats_;
    const Executor& executor_;
    Waker* waker_;
    std::shared_ptr<RunProgress> progress_;  // may be null

    alignas(64) std::atomic<std::uint32_t> next_source_{0};
    alignas(64) std::atomic<std::uint32_t> finished_{0};
    std::atomic<bool> stopped_{false};
    std::mutex mutex_;  // guards the next two
    std::exception_ptr reason_;
    std::optional<std::stop_source> stop_source_;
};

}  // namespace satchel::detail
