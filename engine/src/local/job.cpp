// The loop that runs a graph's tasks. Every nanosecond here is paid once a task.
#include "local/job.hpp"

#include <satchel/detail/code.hpp>
#include <satchel/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <cxxabi.h>
#include <fmt/format.h>

namespace satchel::detail {
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

constexpr TaskIndex none = UINT32_MAX;

// Takes some from a counter that has as many, and tells whether they were the last. If no more are
// left, nobody else will touch the counter again, and its value is of no more use, so it is left as
// it is; with a single thread there is nobody else at all. Both spare most of the expensive atomic
// operations.
inline bool count_down(std::uint32_t& counter, bool alone, std::uint32_t amount = 1) {
    std::atomic_ref left(counter);
    const auto value = left.load(std::memory_order_acquire);
    if (value == amount) return true;
    if (alone) {
        left.store(value - amount, std::memory_order_relaxed);
        return false;
    }
    return left.fetch_sub(amount, std::memory_order_acq_rel) == amount;
}

// Asks the processor for the slots of the first few tasks among these, to be written to.
inline void fetch_slots(const TaskSlot* slots, std::span<const std::uint32_t> tasks) {
    for (const auto task : tasks.first(std::min<std::size_t>(tasks.size(), 4))) {
        if (!is_literal(task)) __builtin_prefetch(slots + task, 1);
    }
}

}  // namespace

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
    const TaskContext::Scope inside(*this);
    auto& seat = seats_[thread];
    seat.sampled = Clock::now();
    while (!stopped()) {
        auto task = seat.deque.pop();
        if (!task) task = take_source(seat);
        if (!task) {
            const auto ready = settle(seat);
            task = ready != none ? ready : steal(thread);
        }
        if (!task) break;
        run_from(seat, *task, deadline);
        if (seat.sampled >= deadline) break;
    }
    leave(seat);
}

// Makes what the thread has to itself common again.
void Job::leave(Seat& seat) {
    while (seat.source_end > seat.source) seat.deque.push(graph_.sources[--seat.source_end]);
    if (const auto ready = settle(seat); ready != none) seat.deque.push(ready);
    count_finished(seat);
}

void Job::count_finished(Seat& seat) {
    const auto finished = std::exchange(seat.finished, 0) +
                          std::exchange(seat.sample_size, seat.until_sample) - seat.until_sample;
    if (finished == 0) return;
    finished_.fetch_add(finished, std::memory_order_acq_rel);
    if (progress_) progress_->finished.fetch_add(finished, std::memory_order_relaxed);
}

void Job::run_from(Seat& seat, TaskIndex task, Clock::time_point deadline) {
    try {
        run_chain(seat, task, deadline);
    } catch (...) {
        stop(std::current_exception());
    }
}

// To be called where the task has thrown.
void Job::throw_unknown(TaskIndex task) const {
    const auto* thrown = abi::__cxa_current_exception_type();
    const auto type = thrown == nullptr ? "an unknown type" : readable_name(*thrown);
    const auto label = graph_.label(task);
    throw TaskError(
        fmt::format("the task {} threw something that is not a std::exception but of type {}, so "
                    "nothing more is known of it; throw types that derive from std::exception",
                    label, type),
        {.type = type, .text = "what was thrown is not a std::exception", .task = label});
}

// Runs the task, a successor that became ready, one of its successors, and so on.
void Job::run_chain(Seat& seat, TaskIndex task, Clock::time_point deadline) {
    auto* const slots = graph_.tasks.data();
    const auto* const inputs = graph_.inputs.data();
    const auto* const successors = graph_.successors.data();
    const bool alone = seats_.size() == 1;
    while (task != none && !stopped()) {
        auto& slot = slots[task];
        const auto& next_slot = slots[task + 1];
        const std::span own_inputs(inputs + slot.inputs, inputs + next_slot.inputs);
        const std::span own_successors(successors + slot.successors,
                                       successors + next_slot.successors);
        if (seat.owed_to != none &&
            (own_successors.size() != 1 || own_successors.front() != seat.owed_to)) {
            if (const auto ready = settle(seat); ready != none) {
                seat.deque.push(ready);
                wake_others(seat);
            }
        }
        // The function reads its inputs, and then they are counted down: where another thread has
        // made them, they come over once for both.
        if (!alone) fetch_slots(slots, own_inputs);
        // By the time that the function returns, these may have come from memory.
        fetch_slots(slots, own_successors);

        const auto& call = graph_.calls[slot.call & ~CompiledGraph::output_bit];
        Arguments arguments(slots, graph_.literals.data(), own_inputs.data(),
                            static_cast<std::uint32_t>(own_inputs.size()),
                            call.first_index + call.index_step * (task - call.first));
        try {
            call.function(arguments, slot.value);
        } catch (const std::exception&) {
            throw;
        } catch (...) {
            throw_unknown(task);
        }

        const auto users = static_cast<std::uint32_t>(own_successors.size()) +
                           (slot.call >= CompiledGraph::output_bit ? 1U : 0U);
        std::atomic_ref(slot.counter).store(users, std::memory_order_relaxed);
        if (users == 0) slot.value.reset();
        for (const auto input : own_inputs) {
            if (!is_literal(input) && count_down(slots[input].counter, alone)) {
                slots[input].value.reset();
            }
        }
        task = own_successors.size() == 1 && !alone ? owe(seat, own_successors.front())
                                                    : take_ready(seat, own_successors);
        if (--seat.until_sample == 0) {
            sample(seat);
            if (seat.sampled >= deadline && task != none) {
                seat.deque.push(task);
                return;
            }
        }
    }
}

// Of the successors that have become ready, gives the first, and puts the others into the deque,
// from the back, so that it gives them in order.
inline TaskIndex Job::take_ready(Seat& seat, std::span<const TaskIndex> successors) {
    auto* const slots = graph_.tasks.data();
    const bool alone = seats_.size() == 1;
    auto ready = none;
    bool pushed = false;
    for (auto k = successors.size(); k > 0; --k) {
        if (!count_down(slots[successors[k - 1]].counter, alone)) continue;
        if (ready != none) {
            seat.deque.push(ready);
            pushed = true;
        }
        ready = successors[k - 1];
    }
    if (pushed) wake_others(seat);
    return ready;
}

// Notes that an input of `successor`, the only one of the task that has run, is there; gives the
// successor if it is ready.
inline TaskIndex Job::owe(Seat& seat, TaskIndex successor) {
    const std::atomic_ref left(graph_.tasks.data()[successor].counter);
    // What others have yet to count down cannot be counted twice.
    const bool is_last = left.load(std::memory_order_acquire) == seat.owed + 1;
    seat.owed_to = is_last ? none : successor;
    seat.owed = is_last ? 0 : seat.owed + 1;
    return is_last ? successor : none;
}

// Counts down what is owed; gives the task that is ready by that, if there is one.
TaskIndex Job::settle(Seat& seat) {
    const auto task = std::exchange(seat.owed_to, none);
    if (task == none) return none;
    return count_down(graph_.tasks.data()[task].counter, false, std::exchange(seat.owed, 0)) ? task
                                                                                             : none;
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
    seat.finished += seat.sample_size;
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
    if (graph_.tasks.size() == 0) return;  // done before
    // Where all tasks have run, each value but the outputs went with its last use.
    const bool all_ran = !stopped() && finished_.load(std::memory_order_acquire) == size_;
    if (all_ran) {
        for (const auto output : outputs_) graph_.tasks[output].value.reset();
    }
    graph_.tasks.clear(all_ran);
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

}  // namespace satchel::detail
