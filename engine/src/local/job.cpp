// The loop that runs a graph's tasks. Every nanosecond here is paid once a task.
#include "local/job.hpp"

#include <satchel/error.hpp>
#include <satchel/this_task.hpp>

#include <algorithm>
#include <utility>

namespace satchel {
namespace detail {
namespace {

using Clock = std::chrono::steady_clock;

// How long the tasks between two readings of the clock should take. Reading it costs 20 ns.
constexpr std::int64_t sample_period_ns = 5'000;
constexpr std::uint32_t sample_size_max = 64;

// Work that the threads at it will have done before another thread is awake (75 µs) is not worth
// waking it.
constexpr std::int64_t worth_waking_ns = 100'000;

// A thread takes so much work from the common list of sources at a time, so that taking costs
// little and nothing waits long behind it.
constexpr std::int64_t source_chunk_ns = 5'000;
constexpr std::uint32_t source_chunk_max = 64;

thread_local Job* running = nullptr;

// Marks the calling thread as one that runs tasks of a job; they nest.
class Inside {
  public:
    explicit Inside(Job& job) : outer_(std::exchange(running, &job)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { running = outer_; }

  private:
    Job* outer_;
};

}  // namespace

Job* current_job() noexcept { return running; }

Job::Job(CompiledGraph graph, std::vector<TaskIndex> outputs, std::uint32_t threads,
         const Executor& executor, Waker* waker, std::shared_ptr<RunProgress> progress)
    : graph_(std::move(graph)),
      size_(graph_.size()),
      outputs_(std::move(outputs)),
      seats_(threads),
      executor_(executor),
      waker_(waker),
      progress_(std::move(progress)) {
    if (progress_) progress_->total = size_;
}

void Job::work(std::uint32_t thread, Clock::time_point deadline) {
    const Inside inside(*this);
    auto& seat = seats_[thread];
    seat.sampled = Clock::now();
    while (!stopped()) {
        auto task = seat.deque.pop();
        if (!task) task = take_source(seat);
        if (!task) task = steal(thread);
        if (!task) break;
        run_from(seat, *task, deadline);
        if (seat.sampled >= deadline) break;
    }
    leave(seat);
}

// Makes what the thread has to itself common again.
void Job::leave(Seat& seat) {
    while (seat.source_end > seat.source) seat.deque.push(graph_.sources[--seat.source_end]);
    count_finished(seat);
}

void Job::count_finished(Seat& seat) {
    const auto finished = std::exchange(seat.finished, 0);
    if (finished == 0) return;
    finished_.fetch_add(finished, std::memory_order_acq_rel);
    if (progress_) progress_->finished.fetch_add(finished, std::memory_order_relaxed);
}

// Runs the task, a successor that became ready, one of its successors, and so on.
void Job::run_from(Seat& seat, TaskIndex task, Clock::time_point deadline) {
    for (std::optional<TaskIndex> next = task; next && !stopped();) {
        if (!run_task(*next)) return;
        next = finish(seat, *next);
        if (next && seat.sampled >= deadline) {
            seat.deque.push(*next);
            return;
        }
    }
}

bool Job::run_task(TaskIndex task) {
    auto* slots = graph_.tasks.data();
    auto& slot = slots[task];
    const auto& call = graph_.calls[slot.call & ~CompiledGraph::output_bit];
    // By the time that the function returns, what finish() needs may have come from memory.
    const auto* successors = graph_.successors.data();
    for (auto k = slot.successors; k < std::min(slots[task + 1].successors, slot.successors + 4);
         ++k) {
        __builtin_prefetch(slots + successors[k], 1);
    }
    Arguments arguments(slots, graph_.literals.data(), graph_.inputs.data() + slot.inputs,
                        slots[task + 1].inputs - slot.inputs,
                        call.first_index + call.index_step * (task - call.first));
    try {
        call.function(arguments, slot.value);
        return true;
    } catch (const std::exception&) {
        stop(std::current_exception());
    } catch (...) {
        stop(std::make_exception_ptr(TaskError(
            "a task threw something that is not a std::exception, so nothing more is known of it; "
            "throw types that derive from std::exception")));
    }
    return false;
}

std::optional<TaskIndex> Job::finish(Seat& seat, TaskIndex task) {
    auto* slots = graph_.tasks.data();
    auto& slot = slots[task];
    const auto begin = slot.successors;
    const auto end = slots[task + 1].successors;
    const auto users = end - begin + (slot.call >= CompiledGraph::output_bit ? 1U : 0U);
    if (users == 0) {
        slot.value.reset();
    } else {
        std::atomic_ref(slot.counter).store(users, std::memory_order_relaxed);
    }
    release_inputs(task);

    std::optional<TaskIndex> next;
    bool pushed = false;
    // From the back, so that the deque gives them in order after the first.
    for (auto k = end; k > begin; --k) {
        const auto successor = graph_.successors[k - 1];
        std::atomic_ref missing(slots[successor].counter);
        // If one is missing it can only be this one: nobody else will touch the counter.
        if (missing.load(std::memory_order_acquire) != 1 &&
            missing.fetch_sub(1, std::memory_order_acq_rel) != 1) {
            continue;
        }
        if (next) {
            seat.deque.push(*next);
            pushed = true;
        }
        next = successor;
    }
    ++seat.finished;
    if (--seat.until_sample == 0) sample(seat);
    if (pushed) wake_others(seat);
    return next;
}

void Job::release_inputs(TaskIndex task) {
    auto* slots = graph_.tasks.data();
    for (auto k = slots[task].inputs; k < slots[task + 1].inputs; ++k) {
        const auto input = graph_.inputs[k];
        if ((input & literal_bit) != 0) continue;
        std::atomic_ref users(slots[input].counter);
        if (users.load(std::memory_order_acquire) == 1 ||
            users.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            slots[input].value.reset();
        }
    }
}

std::optional<TaskIndex> Job::take_source(Seat& seat) {
    if (seat.source == seat.source_end && !take_sources(seat)) return std::nullopt;
    return graph_.sources[seat.source++];
}

// Takes the next few sources from the list that all threads share. Nobody can steal them again, so
// they are few: so much as is done in a moment, and never more than half a fair share of what is
// left, so that a wrong guess of what a task takes cannot keep the others waiting for long.
bool Job::take_sources(Seat& seat) {
    const auto count = static_cast<std::uint32_t>(graph_.sources.size());
    const auto seen = next_source_.load(std::memory_order_relaxed);
    if (seen >= count) return false;
    std::uint32_t chunk = 1;
    if (seat.average_ns >= 0) {
        const auto fair = (count - seen) / (2 * static_cast<std::uint32_t>(seats_.size())) + 1;
        const auto wanted = source_chunk_ns / (seat.average_ns + 1) + 1;
        chunk = std::min(
            static_cast<std::uint32_t>(std::min<std::int64_t>(wanted, source_chunk_max)), fair);
    }
    const auto first = next_source_.fetch_add(chunk, std::memory_order_relaxed);
    if (first >= count) return false;
    seat.source = first;
    seat.source_end = std::min(first + chunk, count);
    if (seat.source_end < count) wake_others(seat);
    return true;
}

std::optional<TaskIndex> Job::steal(std::uint32_t thread) {
    const auto count = static_cast<std::uint32_t>(seats_.size());
    if (count == 1) return std::nullopt;
    // Others may be about to share something: looking on for a moment is cheaper than falling
    // asleep.
    constexpr std::chrono::microseconds patience(10);
    const auto give_up = Clock::now() + patience;
    do {
        for (std::uint32_t k = 1; k < count; ++k) {
            if (auto task = seats_[(thread + k) % count].deque.steal()) {
                seats_[thread].sampled = Clock::now();
                return task;
            }
        }
    } while (!over() && Clock::now() < give_up);
    return std::nullopt;
}

bool Job::has_work() const noexcept {
    if (stopped()) return false;
    return next_source_.load(std::memory_order_relaxed) < graph_.sources.size() ||
           std::ranges::any_of(seats_, [](const Seat& seat) { return seat.deque.size() > 0; });
}

void Job::sample(Seat& seat) {
    const auto now = Clock::now();
    const auto spent =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - seat.sampled).count();
    const auto each = spent / seat.sample_size;
    seat.average_ns = seat.average_ns < 0 ? each : (seat.average_ns + each) / 2;
    seat.sampled = now;
    const auto wanted = sample_period_ns / (seat.average_ns + 1) + 1;
    seat.sample_size = static_cast<std::uint32_t>(std::min<std::int64_t>(wanted, sample_size_max));
    seat.until_sample = seat.sample_size;
    if (progress_) count_finished(seat);
}

void Job::wake_others(Seat& seat) {
    if (waker_ == nullptr || !waker_->has_sleepers()) return;
    const auto sources = static_cast<std::int64_t>(graph_.sources.size()) -
                         next_source_.load(std::memory_order_relaxed);
    const auto backlog = seat.deque.size() + std::max<std::int64_t>(sources, 0);
    if (seat.average_ns < 0 || backlog * seat.average_ns >= worth_waking_ns) waker_->wake_one();
}

void Job::stop(std::exception_ptr reason) noexcept {
    std::optional<std::stop_source> source;
    {
        const std::lock_guard lock(mutex_);
        if (!reason_) reason_ = std::move(reason);
        stopped_.store(true, std::memory_order_relaxed);
        source = stop_source_;
    }
    if (source) source->request_stop();  // runs the user's callbacks, so not under the lock
}

std::vector<Value> Job::take() {
    const std::lock_guard lock(mutex_);
    if (stopped()) std::rethrow_exception(reason_);
    std::vector<Value> results;
    results.reserve(outputs_.size());
    for (const auto output : outputs_) results.push_back(graph_.tasks[output].value);
    return results;
}

void Job::clear() noexcept {
    graph_.tasks.clear();
    graph_.literals.clear();
    graph_.calls.clear();
}

std::stop_token Job::stop_token() {
    const std::lock_guard lock(mutex_);
    if (!stop_source_) {
        stop_source_.emplace();
        if (stopped()) stop_source_->request_stop();
    }
    return stop_source_->get_token();
}

}  // namespace detail

namespace this_task {

bool active() noexcept { return detail::current_job() != nullptr; }

const Executor& executor() {
    if (const auto* job = detail::current_job()) return job->executor();
    throw Error("this_task::executor() was called outside a task, where there is no executor");
}

bool stop_requested() noexcept {
    const auto* job = detail::current_job();
    return job != nullptr && job->stopped();
}

std::stop_token stop_token() {
    auto* job = detail::current_job();
    return job == nullptr ? std::stop_token() : job->stop_token();
}

}  // namespace this_task
}  // namespace satchel
