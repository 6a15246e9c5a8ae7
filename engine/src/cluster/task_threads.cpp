// Threads, and how a task in one of them waits.
#include "cluster/task_threads.hpp"

#include "base/patience.hpp"
#include "base/thread.hpp"
#include "graph/task_context.hpp"

#include <chrono>
#include <iterator>
#include <stop_token>

namespace satchel::cluster {
namespace {

// Outcomes are told together, unless the calls took so long that somebody may be waiting.
constexpr std::chrono::microseconds tell_after{200};

}  // namespace

// What a running task sees of all this.
class TaskThreads::Context final : public detail::TaskContext {
  public:
    Context(TaskThreads& threads, Run run, std::stop_source stop, Batch& batch,
            std::function<void()> tell)
        : threads_(threads),
          run_(std::move(run)),
          stop_(std::move(stop)),
          batch_(batch),
          tell_(std::move(tell)) {}

    [[nodiscard]] const Executor& executor() const override {
        return threads_.handlers_.executor();
    }
    [[nodiscard]] bool stopped() const noexcept override { return stop_.stop_requested(); }
    [[nodiscard]] std::stop_token stop_token() override { return stop_.get_token(); }
    void begin_wait() override {
        tell_();
        threads_.begin_wait(run_, batch_);
    }
    void end_wait() override { threads_.end_wait(run_); }

  private:
    TaskThreads& threads_;
    Run run_;
    std::stop_source stop_;
    Batch& batch_;
    std::function<void()> tell_;
};

TaskThreads::TaskThreads(std::string worker, TaskThreadsHandlers handlers)
    : worker_(std::move(worker)), handlers_(std::move(handlers)) {}

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
        threads_.push_back(detail::thread_without_signals([this] { work(); }));
    } else {
        work_came_.notify_one();
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
        auto batch = std::move(queue_.front());
        queue_.pop_front();
        has_come_ = !queue_.empty();
        lock.unlock();
        run(std::move(batch));
        lock.lock();
    }
}

void TaskThreads::run(Batch batch) {
    std::vector<Outcome> outcomes;
    std::shared_ptr<StoredValue> last;
    auto told = std::chrono::steady_clock::now();
    const auto tell = [&] {
        if (!outcomes.empty()) handlers_.done(std::exchange(outcomes, {}));
        told = std::chrono::steady_clock::now();
    };
    while (!batch.empty()) {
        auto call = std::move(batch.front());
        batch.pop_front();
        const Run self{call.life, call.task};
        Context context(*this, self, call.stop, batch, tell);
        {
            const detail::TaskContext::Scope scope(context);
            outcomes.push_back(make_call(call, last, worker_));
        }
        last = outcomes.back().value;
        if (std::chrono::steady_clock::now() - told > tell_after) tell();
    }
    tell();
}

void TaskThreads::begin_wait(const Run& run, Batch& batch) {
    std::vector<TaskRef> not_begun;
    for (const auto& call : std::exchange(batch, {})) not_begun.push_back(call.task);
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
