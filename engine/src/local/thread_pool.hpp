// ThreadPool: the threads behind ThreadPoolExecutor, and the jobs that they work on.
//
// The jobs stand in a queue. A thread takes the first that has work, puts it at the end of the
// queue, and stays with it for a slice of time. So all get their turn, and jobs of one task each,
// as those of a stream, begin in the order in which they were submitted. A thread that finds
// nothing falls asleep: until it is woken while there is no job; for a few milliseconds at a time
// while there is one, because a job wakes nobody for work that looks too small to be worth it, and
// may be wrong.
#pragma once

#include <satchel/executor.hpp>

#include "local/job.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
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
    [[nodiscard]] std::int64_t concurrency() const override {
        return static_cast<std::int64_t>(threads_.size());
    }
    void wake_one() override;

    /// A job and who is at it. All but `job` is guarded by the pool's mutex.
    struct Entry {
        template <class... A>
        explicit Entry(A&&... arguments) : job(std::forward<A>(arguments)...) {}
        Job job;
        std::int32_t inside = 0;  // threads in job.work()
        bool ended = false;       // over, and nobody inside
        std::condition_variable has_ended;
    };

    /// Waits until the job has ended. One of the pool's own threads works on it meanwhile, but on
    /// no other job: that could need a lock that the waiting task holds.
    void wait(Entry& entry);
    [[nodiscard]] bool ended(const Entry& entry);
    void stop(Entry& entry, std::exception_ptr reason);

  private:
    struct Sleeper {
        std::condition_variable wake;
        bool woken = false;
    };
    using Lock = std::unique_lock<std::mutex>;

    void close();
    void start(std::shared_ptr<Entry> entry);
    void run_thread(std::uint32_t thread);
    std::shared_ptr<Entry> choose();
    void work(Lock& lock, Entry& entry, std::uint32_t thread);
    void end_if_over(Entry& entry);
    void sleep(Lock& lock, std::chrono::milliseconds nap);
    void wake_one_locked();

    std::mutex mutex_;
    std::vector<std::shared_ptr<Entry>> entries_;  // those that have not ended, as a queue
    std::vector<Sleeper*> asleep_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace satchel::detail
