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

void Worker::put_back(Place task) {
    if (entries_[task].missing == 0) return make_ready(task);
    entries_[task].state = State::waiting;
}

// The most urgent of those that are ready.
Worker::Place Worker::next_ready() {
    while (!ready_.empty()) {
        const auto place = index_.find(ready_.front().ref);
        if (place != none && entries_[place].state == State::ready) return place;
        std::ranges::pop_heap(ready_, std::greater<>());
        ready_.pop_back();
    }
    return none;
}

Worker::Place Worker::next_resuming() {
    while (!resuming_.empty()) {
        const auto place = index_.find(resuming_.front());
        if (place != none && entries_[place].state == State::resuming) return place;
        resuming_.pop_front();
    }
    return none;
}

bool Worker::may_begin(Place task) const {
    return alone_ == TaskRef{} && (!entries_[task].alone || !is_anything_executing());
}

// Of what somebody needs. What was released may go on for ever.
bool Worker::is_anything_executing() const {
    if (is_idle()) return false;
    return std::ranges::any_of(entries_, [](const Entry& entry) {
        return entry.state == State::executing && !entry.released;
    });
}

// Gives every free thread something to do: first to tasks that have one already begun, because
// others may wait for what they hold. While the next one waits to be alone, nothing begins.
void Worker::start() {
    while (free_threads_ > 0) {
        const auto resuming = next_resuming();
        const auto next = resuming != none || is_paused_ ? resuming : next_ready();
        if (next == none || !may_begin(next)) return;
        const auto batch = add_batch();
        --free_threads_;
        executing_changed_ = true;
        if (next == resuming) {
            resuming_.pop_front();
            begin(next, batch);
            out_.resumes.push_back(entries_[next].ref);
            if (!entries_[next].released) out_.messages.emplace_back(Rejoined{entries_[next].ref});
        } else {
            Instructions::Execute execute;
            const auto share = ready_.size() / (free_threads_ + 1) + 1;
            auto budget = batch_duration;
            for (std::size_t taken = 0; taken < share && take_ready(execute, batch, budget);
                 ++taken) {
                take_followers(execute, batch, budget);
            }
            out_.executes.push_back(std::move(execute));
        }
        batches_[batch].remaining = static_cast<std::uint32_t>(batches_[batch].tasks.size());
    }
}

void Worker::begin(Place place, std::uint32_t batch) {
    auto& task = entries_[place];
    task.state = State::executing;
    task.batch = batch;
    batches_[batch].tasks.push_back(task.ref);
    if (task.alone && !task.released) alone_ = task.ref;
}

// Moves the most urgent task into `execute`, unless that has calls already and the task may take
// longer than the budget. False if it did not.
bool Worker::take_ready(Instructions::Execute& execute, std::uint32_t batch, Nanoseconds& budget) {
    if (execute.calls.size() == batch_tasks_max) return false;
    const auto place = next_ready();
    if (place == none) return false;
    const auto expected = entries_[place].expected;
    if (!execute.calls.empty() && (expected == 0 || expected > budget)) return false;
    std::ranges::pop_heap(ready_, std::greater<>());
    ready_.pop_back();
    give_to_thread(place, execute, batch, budget);
    return true;
}

// What waits for nothing but the last call of `execute` goes along with it, and what waits for
// that: their thread will have the result at hand.
void Worker::take_followers(Instructions::Execute& execute, std::uint32_t batch,
                            Nanoseconds& budget) {
    while (execute.calls.size() < batch_tasks_max) {
        const auto next = follower_of(index_.find(execute.calls.back().task));
        if (next == none || entries_[next].expected == 0 || entries_[next].expected > budget) {
            return;
        }
        give_to_thread(next, execute, batch, budget);
        execute.calls.back().follows = true;
    }
}

void Worker::give_to_thread(Place place, Instructions::Execute& execute, std::uint32_t batch,
                            Nanoseconds& budget) {
    begin(place, batch);
    const auto& task = entries_[place];
    execute.calls.push_back(
        {task.ref, layers_[task.layer], task.index, task.arguments, task.reports});
    budget = task.expected == 0 ? 0 : budget - task.expected;
}

Worker::Place Worker::follower_of(Place task) const {
    const auto ref = entries_[task].ref;
    for (const auto waiting : entries_[task].waiting) {
        const auto place = index_.find(waiting);
        if (place == none || entries_[place].state != State::waiting) continue;
        const auto is_ref = [&](const Argument& argument) {
            return !detail::is_literal(argument.reference) &&
                   TaskRef{argument.reference, argument.attempt} == ref;
        };
        const auto uses = std::ranges::count_if(entries_[place].arguments, is_ref);
        if (entries_[place].missing == static_cast<std::uint32_t>(uses)) return place;
    }
    return none;
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
    if (entries_[task].ref == alone_) alone_ = {};
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
    if (ref == alone_) alone_ = {};
    executing_changed_ = true;
    if (!entries_[place].released) out_.messages.emplace_back(Seceded{ref});
    this->not_begun(not_begun);
}

void Worker::not_begun(std::span<const TaskRef> tasks) {
    for (const auto ref : tasks) {
        const auto place = index_.find(ref);
        if (place == none || entries_[place].state != State::executing) continue;
        if (entries_[place].batch != none) std::erase(batches_[entries_[place].batch].tasks, ref);
        if (entries_[place].released) {
            (void)end_task(place);
        } else {
            leave_batch(place);
            put_back(place);
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
