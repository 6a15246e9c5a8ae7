// The pool's threads: choosing a job, working on it for a while, sleeping, waking.
#include "local/thread_pool.hpp"

#include <satchel/error.hpp>
#include <satchel/this_task.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long a thread stays with one job before it looks at the others.
constexpr milliseconds slice(2);
constexpr milliseconds first_nap(1);
constexpr milliseconds last_nap(8);

// Which pool the calling thread belongs to.
thread_local ThreadPool* own_pool = nullptr;

std::exception_ptr cancelled() {
    return std::make_exception_ptr(Cancelled("the run was stopped before it had finished"));
}

class PoolSubmission final : public Submission {
  public:
    PoolSubmission(std::shared_ptr<ThreadPool> pool, std::shared_ptr<ThreadPool::Entry> entry,
                   const std::stop_token& token)
        : pool_(std::move(pool)),
          entry_(std::move(entry)),
          on_stop_(token, [this] { pool_->stop(*entry_, cancelled()); }) {}

    ~PoolSubmission() override {
        pool_->stop(*entry_, cancelled());
        pool_->wait(*entry_);
        entry_->job.clear();
    }

    [[nodiscard]] bool done() const override { return pool_->ended(*entry_); }

    [[nodiscard]] std::vector<Value> take() override {
        pool_->wait(*entry_);
        auto results = entry_->job.take();
        entry_->job.clear();  // so that the results have no other holder
        return results;
    }

  private:
    std::shared_ptr<ThreadPool> pool_;
    std::shared_ptr<ThreadPool::Entry> entry_;
    OnStop on_stop_;
};

}  // namespace

// While it lives, the calling thread, if it belongs to a pool, waits for another pool.
class ThreadPool::Absence {
  public:
    Absence() {
        if (own_pool != nullptr) own_pool->begin_absence();
    }
    Absence(const Absence&) = delete;
    Absence& operator=(const Absence&) = delete;
    ~Absence() {
        if (own_pool != nullptr) own_pool->end_absence();
    }
};

ThreadPool::ThreadPool(std::uint32_t threads) : concurrency_(threads) {
    threads_.reserve(threads);
    try {
        for (std::uint32_t k = 0; k < threads; ++k) threads_.emplace_back([this] { run_thread(); });
    } catch (const std::system_error& error) {
        const auto started = threads_.size();
        close();
        throw Error(fmt::format(
            "starting a pool of {} threads: only {} could be started ({}); ask for fewer", threads,
            started, error.code().message()));
    }
}

ThreadPool::~ThreadPool() { close(); }

// The calling thread is none of the pool's: those only run tasks, and as long as one runs, its
// submission holds the pool.
void ThreadPool::close() {
    {
        const Lock lock(mutex_);
        closing_ = true;
        while (!asleep_.empty()) wake_one_locked();
        substitutes_needed_.notify_all();
    }
    for (auto& thread : threads_) thread.join();
}

std::unique_ptr<Submission> ThreadPool::submit(Graph graph, std::vector<TaskIndex> outputs,
                                               const RunOptions& options) const {
    // Executors are used through const references; what changes in them is their own affair.
    auto self = std::const_pointer_cast<ThreadPool>(shared_from_this());
    CompiledGraph compiled(std::move(graph), outputs);
    auto entry = std::make_shared<Entry>(concurrency_, std::move(compiled), std::move(outputs),
                                         concurrency_, *this, self.get(), options.progress);
    entry->is_nested = this_task::active();
    // First the submission, so that no task starts when the token was stopped before.
    auto submission = std::make_unique<PoolSubmission>(self, entry, options.stop_token);
    self->start(std::move(entry));
    return submission;
}

void ThreadPool::start(std::shared_ptr<Entry> entry) {
    const Lock lock(mutex_);
    auto& started = *entry;
    if (started.ended) return;  // was stopped before it began
    started.place = entries_.insert(entries_.end(), std::move(entry));
    end_if_over(started);  // a graph without tasks
    auto wanted = std::min<std::size_t>(started.job.source_count(), concurrency_);
    for (; wanted > 0 && !asleep_.empty(); --wanted) wake_one_locked();
    if (started.is_nested && absent_ > 0) substitutes_needed_.notify_one();
}

void ThreadPool::run_thread() {
    own_pool = this;
    Lock lock(mutex_);
    auto nap = first_nap;
    while (true) {
        if (const auto entry = choose(false)) {
            work(lock, *entry);
            nap = first_nap;
        } else if (closing_ && entries_.empty()) {
            return;
        } else {
            sleep(lock, nap);
            nap = std::min(2 * nap, last_nap);
        }
    }
}

void ThreadPool::run_substitute() {
    own_pool = this;
    Lock lock(mutex_);
    while (true) {
        std::shared_ptr<Entry> entry;
        ++idle_substitutes_;
        substitutes_needed_.wait(lock, [&] {
            if (absent_ > 0) entry = choose(true);
            return entry || closing_;
        });
        --idle_substitutes_;
        if (!entry) return;
        work(lock, *entry);
    }
}

// Where no thread can be started, the wait may still end without one.
void ThreadPool::begin_absence() noexcept {
    const Lock lock(mutex_);
    ++absent_;
    if (idle_substitutes_ > 0) {
        substitutes_needed_.notify_one();
        return;
    }
    try {
        threads_.emplace_back([this] { run_substitute(); });
    } catch (const std::exception&) {
    }
}

void ThreadPool::end_absence() {
    const Lock lock(mutex_);
    --absent_;
}

// The first job in the queue that has work, which becomes the last.
std::shared_ptr<ThreadPool::Entry> ThreadPool::choose(bool nested_only) {
    const auto found = std::ranges::find_if(entries_, [&](const auto& entry) {
        return (entry->is_nested || !nested_only) && !entry->free_seats.empty() &&
               entry->job.has_work();
    });
    if (found == entries_.end()) return nullptr;
    auto chosen = *found;
    entries_.splice(entries_.end(), entries_, found);
    return chosen;
}

void ThreadPool::work(Lock& lock, Entry& entry) {
    const auto seat = entry.free_seats.back();
    entry.free_seats.pop_back();
    lock.unlock();
    entry.job.work(seat, Clock::now() + slice);
    lock.lock();
    entry.free_seats.push_back(seat);
    end_if_over(entry);
}

void ThreadPool::end_if_over(Entry& entry) {
    const bool is_nobody_inside = entry.free_seats.size() == concurrency_;
    if (entry.ended || !is_nobody_inside || !entry.job.over()) return;
    entry.ended = true;
    entry.has_ended.notify_all();
    if (entry.place) entries_.erase(*std::exchange(entry.place, std::nullopt));
}

void ThreadPool::sleep(Lock& lock, milliseconds nap) {
    Sleeper self;
    asleep_.push_back(&self);
    sleepers_.fetch_add(1, std::memory_order_relaxed);
    const auto woken = [&] { return self.woken; };
    if (entries_.empty()) {
        self.wake.wait(lock, woken);
    } else if (!self.wake.wait_for(lock, nap, woken)) {
        std::erase(asleep_, &self);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
}

void ThreadPool::wake_one() {
    const Lock lock(mutex_);
    if (!asleep_.empty()) wake_one_locked();
}

void ThreadPool::wake_one_locked() {
    auto* sleeper = asleep_.back();
    asleep_.pop_back();
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    sleeper->woken = true;
    sleeper->wake.notify_one();
}

void ThreadPool::wait(Entry& entry) {
    if (own_pool == this) return work_to_the_end(entry);
    if (ended(entry)) return;
    const Absence absence;  // before the lock: the mutexes of two pools are never held at once
    Lock lock(mutex_);
    entry.has_ended.wait(lock, [&] { return entry.ended; });
}

void ThreadPool::work_to_the_end(Entry& entry) {
    Lock lock(mutex_);
    while (!entry.ended) {
        if (!entry.free_seats.empty() && entry.job.has_work()) {
            work(lock, entry);
        } else {
            entry.has_ended.wait_for(lock, first_nap, [&] { return entry.ended; });
        }
    }
}

bool ThreadPool::ended(const Entry& entry) {
    const Lock lock(mutex_);
    return entry.ended;
}

void ThreadPool::stop(Entry& entry, std::exception_ptr reason) {
    {
        const Lock lock(mutex_);
        if (entry.ended) return;
    }
    entry.job.stop(std::move(reason));
    const Lock lock(mutex_);
    end_if_over(entry);
}

}  // namespace satchel::detail
