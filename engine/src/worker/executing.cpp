// Threads: which task gets one, and what happens when a call has ended or waits.
#include "worker/worker.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace satchel::worker {
namespace {

// Calls that are expected to take less than this all together are given to a thread at once:
// several times what it costs to wake the thread and to hear from it again.
constexpr Nanoseconds batch_duration = 200'000;
constexpr std::size_t batch_tasks_max = 256;

}  // namespace

void Worker::make_ready(Place task) {
    entries_[task].state = State::ready;
    ready_.push_back({entries_[task].priority, entries_[task].ref});
    std::ranges::push_heap(ready_, std::greater<>());
}

// Gives every free thread something to do: first to tasks that have one already begun, because
// others may wait for what they hold.
void Worker::start() {
    while (free_threads_ > 0 && !resuming_.empty()) {
        const auto ref = resuming_.front();
        resuming_.pop_front();
        const auto place = index_.find(ref);
        if (place == none || entries_[place].state != State::resuming) continue;
        auto& task = entries_[place];
        task.state = State::executing;
        task.batch = add_batch();
        batches_[task.batch] = {{ref}, 1};
        --free_threads_;
        executing_changed_ = true;
        out_.resumes.push_back(ref);
        if (!task.released) out_.messages.emplace_back(Rejoined{ref});
    }
    while (!is_paused_ && free_threads_ > 0 && !ready_.empty()) {
        Instructions::Execute execute;
        const auto batch = add_batch();
        const auto share = std::min(ready_.size() / free_threads_ + 1, batch_tasks_max);
        auto budget = batch_duration;
        while (execute.calls.size() < share && take_ready(execute, batch, budget)) {
            const auto expected = entries_[index_.find(execute.calls.back().task)].expected;
            budget = expected == 0 ? 0 : budget - expected;
        }
        if (execute.calls.empty()) {
            free_batches_.push_back(batch);
            continue;
        }
        batches_[batch].remaining = static_cast<std::uint32_t>(execute.calls.size());
        --free_threads_;
        executing_changed_ = true;
        out_.executes.push_back(std::move(execute));
    }
}

// Moves the most urgent task into `execute`, unless that has calls already and the task may take
// longer than the budget. False if it did not.
bool Worker::take_ready(Instructions::Execute& execute, std::uint32_t batch, Nanoseconds budget) {
    while (!ready_.empty()) {
        const auto place = index_.find(ready_.front().ref);
        const bool is_ready = place != none && entries_[place].state == State::ready;
        if (is_ready && !execute.calls.empty()) {
            const auto expected = entries_[place].expected;
            if (expected == 0 || expected > budget) return false;
        }
        std::ranges::pop_heap(ready_, std::greater<>());
        ready_.pop_back();
        if (!is_ready) continue;
        auto& task = entries_[place];
        task.state = State::executing;
        task.batch = batch;
        batches_[batch].tasks.push_back(task.ref);
        execute.calls.push_back(
            {task.ref, layers_[task.layer], task.index, task.arguments, task.reports});
        return true;
    }
    return false;
}

std::uint32_t Worker::add_batch() {
    if (free_batches_.empty()) {
        batches_.emplace_back();
        return static_cast<std::uint32_t>(batches_.size() - 1);
    }
    const auto batch = free_batches_.back();
    free_batches_.pop_back();
    batches_[batch].tasks.clear();
    return batch;
}

void Worker::free_batch(std::uint32_t batch) {
    batches_[batch].tasks.clear();
    batches_[batch].remaining = 0;
    free_batches_.push_back(batch);
    ++free_threads_;
}

void Worker::leave_batch(Place task) {
    const auto batch = std::exchange(entries_[task].batch, none);
    executing_changed_ = true;
    if (batch != none && --batches_[batch].remaining == 0) free_batch(batch);
}

// A call has ended. False if nobody needs its outcome, which then leaves no trace.
bool Worker::end_task(Place place) {
    leave_batch(place);
    give_inputs_back(place);
    if (!entries_[place].released) {
        assigned_digest_ ^= digest_of(entries_[place].ref);
        return true;
    }
    remove_task(place);
    return false;
}

void Worker::finished(const FinishedTask& result) {
    const auto place = index_.find(result.task);
    if (place == none || entries_[place].state < State::executing) {
        if (!holds(result.task)) out_.drops.push_back(result.task);
        return;
    }
    if (end_task(place)) {
        store(place, result.nbytes);
        if (out_.messages.empty() || !std::holds_alternative<TasksFinished>(out_.messages.back())) {
            out_.messages.emplace_back(TasksFinished{});
        }
        std::get<TasksFinished>(out_.messages.back()).tasks.push_back(result);
    } else {
        out_.drops.push_back(result.task);
    }
    start();
}

void Worker::erred(TaskRef ref, const Failure& failure) {
    const auto place = index_.find(ref);
    if (place == none || entries_[place].state < State::executing) return;
    if (end_task(place)) {
        remove_task(place);
        out_.messages.emplace_back(TaskErred{ref, failure});
    }
    start();
}

void Worker::seceded(TaskRef ref, std::span<const TaskRef> not_begun) {
    const auto place = index_.find(ref);
    if (place == none || entries_[place].state != State::executing) return;
    const auto batch = entries_[place].batch;
    if (batch == none) return;
    for (const auto other : batches_[batch].tasks) {
        const auto member = index_.find(other);
        if (member != none && entries_[member].batch == batch) entries_[member].batch = none;
    }
    free_batch(batch);
    entries_[place].state = State::seceded;
    executing_changed_ = true;
    if (!entries_[place].released) out_.messages.emplace_back(Seceded{ref});
    for (const auto other : not_begun) {
        const auto member = index_.find(other);
        if (member == none || entries_[member].state != State::executing) continue;
        if (entries_[member].released) {
            (void)end_task(member);
        } else {
            make_ready(member);
        }
    }
    start();
}

void Worker::rejoin(TaskRef ref) {
    const auto place = index_.find(ref);
    if (place == none || entries_[place].state != State::seceded) return;
    entries_[place].state = State::resuming;
    resuming_.push_back(ref);
    start();
}

void Worker::pause(bool is_paused) {
    if (std::exchange(is_paused_, is_paused) == is_paused) return;
    out_.messages.emplace_back(Paused{is_paused});
    start();
}

void Worker::report_executing() {
    if (!std::exchange(executing_changed_, false)) return;
    Executing message;
    for (const auto& batch : batches_) {
        for (const auto ref : batch.tasks) {
            const auto place = index_.find(ref);
            const bool runs = place != none && entries_[place].state == State::executing;
            if (runs && !entries_[place].released) message.tasks.push_back(ref);
        }
    }
    if (!message.tasks.empty()) out_.messages.emplace_back(std::move(message));
}

}  // namespace satchel::worker
