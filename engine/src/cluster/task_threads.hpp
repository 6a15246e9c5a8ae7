// TaskThreads: the threads of a worker on which user code runs.
//
// The machine decides how many calls are made at once; here is a thread for each of them. A task
// that waits for the cluster keeps its thread, asleep, so there may be more threads than calls.
#pragma once

#include <satchel/executor.hpp>

#include "cluster/call.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace satchel::cluster {

/// What the threads tell; called in them.
struct TaskThreadsHandlers {
    std::function<void(std::vector<Outcome>)> done;
    /// A task gives up its place; the other calls of its batch will not be made.
    std::function<void(TaskRef, std::uint32_t life, std::vector<TaskRef> not_begun)> seceded;
    /// It wants a place again: to be answered by `resume`.
    std::function<void(TaskRef, std::uint32_t life)> rejoin;
    /// What this_task::executor() gives.
    std::function<const Executor&()> executor;
};

/// Thread-safe.
class TaskThreads {
  public:
    TaskThreads(std::string worker, TaskThreadsHandlers handlers);
    TaskThreads(const TaskThreads&) = delete;
    TaskThreads& operator=(const TaskThreads&) = delete;
    ~TaskThreads() { end(); }

    /// Makes the calls, one after the other, in a thread that has nothing else to do.
    void execute(std::vector<Call> calls);
    void resume(TaskRef task, std::uint32_t life);
    /// Tasks that wait for a place have one: nobody will say so any more.
    void abandon();
    /// Waits for the tasks that are running; others will not.
    void end();

  private:
    using Batch = std::deque<Call>;
    using Run = std::pair<std::uint32_t, TaskRef>;  // a life, and a task in it
    class Context;

    void work();
    void run(Batch batch);
    void begin_wait(const Run& run, Batch& batch);
    void end_wait(const Run& run);

    std::string worker_;
    TaskThreadsHandlers handlers_;
    std::mutex mutex_;
    std::condition_variable work_came_;
    std::condition_variable resumed_changed_;
    std::deque<Batch> queue_;
    std::set<Run> waiting_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool is_ending_ = false;
    std::atomic<bool> has_come_{false};  // a batch, or the end; changed under the mutex
};

}  // namespace satchel::cluster
