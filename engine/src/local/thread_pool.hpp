// ThreadPool: the threads behind ThreadPoolExecutor, and the jobs that they work on.
//
// The jobs stand in a queue. A thread takes the first that has work, puts it at the end of the
// queue, and stays with it for a slice of time. So all get their turn, and jobs of one task each,
// as those of a stream, begin in the order in which they were submitted. A thread that finds
// nothing falls asleep: until it is woken while there is no job; for a few milliseconds at a time
// while there is one, because a job wakes nobody for work that looks too small to be worth it, and
// may be wrong.
//
// A task may wait for a job of another pool, whose tasks may wait for jobs of this one. So that
// threads are left for those, substitutes work on the jobs that tasks have submitted, and on no
// others, while a thread of the pool waits for another pool. None of the threads that wait could do
// it: the task that it is in may hold a lock that the other task needs. Whenever a thread begins to
// wait, one substitute is idle, or a new one is started: the last one that has begun to wait leaves
// one behind who can work, and so the pools cannot block each other for good.
#pragma once

#include <satchel/executor.hpp>

#include "local/job.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

namespace satchel::detail {

class ThreadPool final : public Executor,
                         public Waker,
                         public std::enable_shared_from_this<ThreadPool> {
  public:
    explicit ThreadPool(std::uint32_t threads);
    ~ThreadPool() override;

    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options) const override;
    [[nodiscard]] std::int64_t concurrency() const override { return concurrency_; }
    void wake_one() override;

    /// A job and who is at it. All but `job` is guarded by the pool's mutex.
    struct Entry {
        template <class... A>
        explicit Entry(std::uint32_t threads, A&&... arguments)
            : job(std::forward<A>(arguments)...), free_seats(threads) {
            std::iota(free_seats.begin(), free_seats.end(), 0);
        }
        Job job;
        std::vector<std::uint32_t> free_seats;  // numbers under which a thread may work on the job
        bool is_nested = false;                 // was submitted by a task
        bool ended = false;                     // over, and nobody inside
        std::optional<std::list<std::shared_ptr<Entry>>::iterator> place;  // in the queue
        std::condition_variable has_ended;
    };

    /// Waits until the job has ended. One of the pool's own threads works on it meanwhile, but on
    /// no other job: that could need a lock that the waiting task holds. One of another pool leaves
    /// a substitute there.
    void wait(Entry& entry);
    [[nodiscard]] bool ended(const Entry& entry);
    void stop(Entry& entry, std::exception_ptr reason);

  private:
    struct Sleeper {
        std::condition_variable wake;
        bool woken = false;
    };
    using Lock = std::unique_lock<std::mutex>;

    class Absence;

    void close();
    void start(std::shared_ptr<Entry> entry);
    void run_thread();
    void run_substitute();
    void begin_absence() noexcept;
    void end_absence();
    std::shared_ptr<Entry> choose(bool nested_only);
    void work(Lock& lock, Entry& entry);
    void work_to_the_end(Entry& entry);
    void end_if_over(Entry& entry);
    void sleep(Lock& lock, std::chrono::milliseconds nap);
    void wake_one_locked();

    const std::uint32_t concurrency_;
    std::mutex mutex_;                           // guards what follows
    std::list<std::shared_ptr<Entry>> entries_;  // those that have not ended, as a queue
    std::vector<Sleeper*> asleep_;
    std::int32_t absent_ = 0;  // threads of this pool that wait for another one
    std::int32_t idle_substitutes_ = 0;
    std::condition_variable substitutes_needed_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace satchel::detail
