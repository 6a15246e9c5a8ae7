// Entries: how tasks and values come to be, depend on each other, and go.
#include <satchel/function.hpp>

#include "worker/worker.hpp"

#include <algorithm>
#include <utility>

namespace satchel::worker {

Worker::Place Worker::add_entry(TaskRef ref, State state) {
    auto place = static_cast<Place>(entries_.size());
    if (free_entries_.empty()) {
        entries_.emplace_back();
    } else {
        place = free_entries_.back();
        free_entries_.pop_back();
    }
    entries_[place].ref = ref;
    entries_[place].state = state;
    index_.insert(ref, place);
    return place;
}

void Worker::remove_entry(Place place) {
    index_.erase(entries_[place].ref);
    entries_[place] = Entry{};
    free_entries_.push_back(place);
}

// A task has an argument; unless the value is here, the task waits for it: for a transfer, or for
// a task here that it follows. True if it is to be requested.
bool Worker::use(Place task, const Argument& argument, std::span<const WorkerRef> holders) {
    if (detail::is_literal(argument.reference)) return false;
    const TaskRef ref{argument.reference, argument.attempt};
    auto place = index_.find(ref);
    const bool is_new = place == none;
    if (is_new) {
        place = add_entry(ref, State::wanted);
        entries_[place].nbytes = argument.nbytes;
    }
    auto& value = entries_[place];
    ++value.users;
    if (value.state == State::held) return false;
    value.waiting.push_back(entries_[task].ref);
    ++entries_[task].missing;
    for (const auto holder : holders) add_holder(place, holder);
    return is_new;
}

// A task no longer uses one of its inputs, unless that was given up before it.
void Worker::let_go(TaskRef input) {
    const auto place = index_.find(input);
    if (place == none) return;
    auto& value = entries_[place];
    if (--value.users > 0) return;
    if (value.state == State::held && value.released) unload(place);
    // One that was asked for is dealt with when it comes.
    if (value.state == State::wanted && !value.keep) remove_entry(place);
}

void Worker::give_inputs_back(Place task) {
    for (const auto& argument : std::exchange(entries_[task].arguments, {})) {
        if (detail::is_literal(argument.reference)) continue;
        let_go({argument.reference, argument.attempt});
    }
    entries_[task].missing = 0;
}

// A task without one of its inputs will not begin, nor will those that follow it; nor will one that
// is not needed any more. REQUIRES: it is waiting, ready, or executing behind that input.
void Worker::give_up(Place task) {
    std::vector<TaskRef> open{entries_[task].ref};
    while (!open.empty()) {
        const auto place = index_.find(open.back());
        open.pop_back();
        if (place == none) continue;
        auto& entry = entries_[place];
        open.insert(open.end(), entry.waiting.begin(), entry.waiting.end());
        if (!entry.released) assigned_digest_ ^= digest_of(entry.ref);
        give_inputs_back(place);
        if (entry.state != State::executing) {
            remove_entry(place);
        } else if (!std::exchange(entry.released, true)) {
            out_.stops.push_back(entry.ref);
        }
    }
}

// A call has ended and left nothing: what was to follow it will not begin.
void Worker::remove_task(Place task) {
    for (const auto ref : std::exchange(entries_[task].waiting, {})) {
        const auto place = index_.find(ref);
        if (place != none) give_up(place);
    }
    remove_entry(task);
}

// A value is here now: what waited for it may be ready.
void Worker::store(Place place, std::int64_t nbytes) {
    auto& value = entries_[place];
    value.state = State::held;
    value.nbytes = nbytes;
    value.holders = {};
    value.tried = {};
    managed_bytes_ += nbytes;
    if (!value.released) held_digest_ ^= digest_of(value.ref);
    for (const auto ref : std::exchange(value.waiting, {})) {
        const auto task = index_.find(ref);
        if (task == none || entries_[task].missing == 0) continue;
        const bool is_complete = --entries_[task].missing == 0;
        if (is_complete && entries_[task].state == State::waiting) make_ready(task);
    }
}

// A value is not needed any more. REQUIRES: it is held, and its digest was taken out.
void Worker::unload(Place place) {
    managed_bytes_ -= entries_[place].nbytes;
    out_.drops.push_back(entries_[place].ref);
    remove_entry(place);
}

}  // namespace satchel::worker
