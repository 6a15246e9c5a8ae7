// TaskThreads: the threads of a worker on which user code runs.
//
// The machine decides how many calls are made at once; here is a thread for each of them. A task
// that waits for the cluster keeps its thread, asleep, so there may be more threads than calls.
#pragma once

#include <satchel/executor.hpp>

#include "cluster/call.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
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
    /// Calls will not be made, for the one before them takes too long.
    std::function<void(std::uint32_t life, std::deque<Call>)> not_begun;
    /// It wants a place again: to be answered by `resume`.
    std::function<void(TaskRef, std::uint32_t life)> rejoin;
    /// What this_task::executor() gives.
    std::function<const Executor&()> executor;
};

/// Thread-safe.
class TaskThreads {
  public:
    /// `takes_signals`: in a process that is a worker and nothing else, tasks run in ordinary
    /// threads, as the programs that they start inherit which signals are blocked.
    TaskThreads(std::string worker, bool takes_signals, TaskThreadsHandlers handlers);
    TaskThreads(const TaskThreads&) = delete;
    TaskThreads& operator=(const TaskThreads&) = delete;
    ~TaskThreads() { end(); }

    /// Makes the calls, one after the other, in a thread that has nothing else to do.
    void execute(std::vector<Call> calls);
    void resume(TaskRef task, std::uint32_t life);
    /// Whether a call is being made.
    [[nodiscard]] bool are_busy();
    /// Tells what calls have given, and gives up those behind them, where one has been running for
    /// longer than this. False if nothing is left of which that might be necessary later.
    [[nodiscard]] bool relieve(std::chrono::microseconds longest);
    /// Tasks that wait for a place have one: nobody will say so any more.
    void abandon();
    /// Waits for the tasks that are running; others will not.
    void end();

  private:
    using Batch = std::deque<Call>;
    using Run = std::pair<std::uint32_t, TaskRef>;  // a life, and a task in it
    using Clock = std::chrono::steady_clock;
    class Context;

    /// What one thread has got to do. Who else looks at it has little time: the mutex is for the
    /// members.
    struct Work {
        std::mutex mutex;
        Batch left;
        std::vector<Outcome> untold;
        std::uint32_t life = 0;
        Clock::time_point began = Clock::now();  // the call that is being made

        [[nodiscard]] Batch give_up();
    };

    void add_thread();
    void work();
    void run(Work& work);
    void tell(Work& work);
    void begin_wait(const Run& run, Work& work);
    void end_wait(const Run& run);

    std::string worker_;
    bool takes_signals_;
    TaskThreadsHandlers handlers_;
    std::mutex mutex_;
    std::condition_variable work_came_;
    std::condition_variable resumed_changed_;
    std::deque<Batch> queue_;
    std::list<Work> at_work_;
    std::set<Run> waiting_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool is_ending_ = false;
    std::atomic<bool> has_come_{false};  // a batch, or the end; changed under the mutex
};

}  // namespace satchel::cluster
