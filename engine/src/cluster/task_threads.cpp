// Threads, and how a task in one of them waits.
#include "cluster/task_threads.hpp"

#include <satchel/log.hpp>

#include "base/patience.hpp"
#include "base/thread.hpp"
#include "graph/task_context.hpp"

#include <chrono>
#include <iterator>
#include <stop_token>
#include <system_error>

#include <fmt/format.h>

namespace satchel::cluster {
namespace {

// Outcomes are told together, unless the calls took so long that somebody may be waiting.
constexpr std::chrono::microseconds tell_after{200};

}  // namespace

// What a running task sees of all this.
class TaskThreads::Context final : public detail::TaskContext {
  public:
    Context(TaskThreads& threads, Run run, std::stop_source stop, Work& work)
        : threads_(threads), run_(std::move(run)), stop_(std::move(stop)), work_(work) {}

    [[nodiscard]] const Executor& executor() const override {
        return threads_.handlers_.executor();
    }
    [[nodiscard]] bool stopped() const noexcept override { return stop_.stop_requested(); }
    [[nodiscard]] std::stop_token stop_token() override { return stop_.get_token(); }
    void begin_wait() override {
        threads_.tell(work_);
        threads_.begin_wait(run_, work_);
    }
    void end_wait() override { threads_.end_wait(run_); }

  private:
    TaskThreads& threads_;
    Run run_;
    std::stop_source stop_;
    Work& work_;
};

TaskThreads::TaskThreads(std::string worker, bool takes_signals, TaskThreadsHandlers handlers)
    : worker_(std::move(worker)), takes_signals_(takes_signals), handlers_(std::move(handlers)) {}

void TaskThreads::end() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
        queue_.clear();
        has_come_ = true;
        work_came_.notify_all();
        threads.swap(threads_);
    }
    abandon();
    for (auto& thread : threads) thread.join();
}

void TaskThreads::execute(std::vector<Call> calls) {
    const std::lock_guard lock(mutex_);
    if (is_ending_) return;
    queue_.emplace_back(std::make_move_iterator(calls.begin()),
                        std::make_move_iterator(calls.end()));
    has_come_ = true;
    if (idle_ < queue_.size()) {
        add_thread();
    } else {
        work_came_.notify_one();
    }
}

// Where the system has no more threads, the work waits until one of these has time.
void TaskThreads::add_thread() {
    try {
        threads_.push_back(detail::thread_without_signals([this] {
            if (takes_signals_) detail::take_signals();
            work();
        }));
    } catch (const std::system_error& error) {
        if (threads_.empty()) throw;
        log_warning("worker", fmt::format("the worker '{}' has {} threads and gets no more: {}",
                                          worker_, threads_.size(), error.what()));
    }
}

void TaskThreads::work() {
    detail::Patience patience;
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        if (!has_come_) {
            lock.unlock();
            (void)patience.look_on([&] { return has_come_.load(std::memory_order_relaxed); });
            lock.lock();
        }
        work_came_.wait(lock, [&] { return has_come_.load(); });
        --idle_;
        if (is_ending_) return;
        auto& work = at_work_.emplace_back();
        const auto self = std::prev(at_work_.end());
        work.left = std::move(queue_.front());
        work.life = work.left.front().life;
        queue_.pop_front();
        has_come_ = !queue_.empty();
        lock.unlock();
        run(work);
        lock.lock();
        at_work_.erase(self);
    }
}

void TaskThreads::run(Work& work) {
    std::shared_ptr<StoredValue> last;
    auto now = Clock::now(), told = now;
    while (true) {
        std::unique_lock lock(work.mutex);
        if (work.left.empty()) break;
        auto call = std::move(work.left.front());
        work.left.pop_front();
        work.began = now;
        lock.unlock();
        Context context(*this, {call.life, call.task}, call.stop, work);
        auto outcome = [&] {
            const detail::TaskContext::Scope scope(context);
            return make_call(call, last, worker_);
        }();
        last = outcome.value;
        lock.lock();
        work.untold.push_back(std::move(outcome));
        lock.unlock();
        now = Clock::now();
        if (now - told > tell_after) {
            tell(work);
            told = now;
        }
    }
    tell(work);
}

void TaskThreads::tell(Work& work) {
    // Under the lock, as what follows something must not be told before it.
    const std::lock_guard lock(work.mutex);
    auto outcomes = std::exchange(work.untold, {});
    if (!outcomes.empty()) handlers_.done(std::move(outcomes));
}

TaskThreads::Batch TaskThreads::Work::give_up() {
    const std::lock_guard lock(mutex);
    return std::exchange(left, {});
}

bool TaskThreads::are_busy() {
    const std::lock_guard lock(mutex_);
    return !at_work_.empty() || !queue_.empty();
}

bool TaskThreads::relieve(std::chrono::microseconds longest) {
    const std::lock_guard lock(mutex_);
    bool may_be_later = !queue_.empty();
    for (auto& work : at_work_) {
        std::unique_lock work_lock(work.mutex);
        const bool has_more = !work.left.empty() || !work.untold.empty();
        const bool is_late = Clock::now() - work.began > longest;
        work_lock.unlock();
        may_be_later = may_be_later || (has_more && !is_late);
        if (!has_more || !is_late) continue;
        tell(work);
        auto not_begun = work.give_up();
        if (!not_begun.empty()) handlers_.not_begun(work.life, std::move(not_begun));
    }
    return may_be_later;
}

void TaskThreads::begin_wait(const Run& run, Work& work) {
    std::vector<TaskRef> not_begun;
    for (const auto& call : work.give_up()) not_begun.push_back(call.task);
    handlers_.seceded(run.second, run.first, std::move(not_begun));
}

void TaskThreads::end_wait(const Run& run) {
    std::unique_lock lock(mutex_);
    if (is_ending_) return;
    waiting_.insert(run);
    lock.unlock();
    handlers_.rejoin(run.second, run.first);
    lock.lock();
    resumed_changed_.wait(lock, [&] { return !waiting_.contains(run); });
}

void TaskThreads::resume(TaskRef task, std::uint32_t life) {
    const std::lock_guard lock(mutex_);
    waiting_.erase({life, task});
    resumed_changed_.notify_all();
}

void TaskThreads::abandon() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    resumed_changed_.notify_all();
}

}  // namespace satchel::cluster
