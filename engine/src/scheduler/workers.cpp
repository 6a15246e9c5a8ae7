// Workers: how they come, what they report, and what becomes of their tasks and results when they
// go. A report counts only if it is of the worker's present life and of the task's newest attempt.
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace satchel::scheduler {

Worker* Scheduler::find(WorkerRef ref) {
    if (ref.worker >= workers_.size()) return nullptr;
    auto& worker = workers_[ref.worker];
    return worker.alive && worker.incarnation == ref.incarnation ? &worker : nullptr;
}

// What has died with its computer says nothing, and makes room for who is started in its place.
std::string Scheduler::why_refused(const RegisterWorker& message, Nanoseconds now) const {
    constexpr int beats_missed = 3;
    for (const auto& other : workers_) {
        const bool is_namesake = other.alive && !other.name.empty() && other.name == message.name;
        if (!is_namesake || other.address == message.address) continue;
        if (now - other.last_seen > beats_missed * options_.heartbeat_interval) continue;
        return fmt::format(
            "there is a worker named '{}' already, at {}, and it lives; each worker needs a name "
            "of its own",
            other.name, other.address);
    }
    return {};
}

WorkerRef Scheduler::add_worker(const RegisterWorker& message, Nanoseconds now) {
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        const auto& other = workers_[k];
        if (!other.alive || other.name.empty() || other.name != message.name) continue;
        const WorkerRef before{k, workers_[k].incarnation};
        disconnects_.push_back(
            {.worker = before, .reason = "a worker of the same name has taken its place"});
        remove_worker(before, {.cause = "it was started again"});
    }
    note_time(now);
    const auto free = std::ranges::find(workers_, false, &Worker::alive);
    const auto id = static_cast<WorkerId>(free - workers_.begin());
    if (free == workers_.end()) workers_.emplace_back();
    auto& worker = workers_[id];
    worker = Worker{};
    worker.alive = true;
    worker.incarnation = ++incarnations_;
    worker.name = message.name;
    worker.address = message.address;
    worker.threads = std::max(message.threads, 1U);
    worker.memory_limit = message.memory_limit;
    worker.last_seen = now;
    const WorkerRef ref{id, worker.incarnation};
    PeersChanged peers;
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        const auto& other = workers_[k];
        if (other.alive && k != id) {
            peers.joined.push_back({{k, other.incarnation}, other.name, other.address});
        }
    }
    announce({{{ref, worker.name, worker.address}}, {}});
    // Its own coming is not news to it.
    worker.outbox.clear();
    worker.outbox.emplace_back(Welcome{ref, options_.heartbeat_interval});
    if (!peers.joined.empty()) worker.outbox.emplace_back(std::move(peers));
    place_waiting_for_workers();
    relieve_paused();
    finish_event();
    if (expects_deaths()) copy_all_in_precaution();
    return ref;
}

void Scheduler::announce(const PeersChanged& change) {
    const auto add = [&](auto& outbox) {
        auto& message = last_in<PeersChanged>(outbox);
        message.joined.insert(message.joined.end(), change.joined.begin(), change.joined.end());
        message.lost.insert(message.lost.end(), change.lost.begin(), change.lost.end());
    };
    for (auto& worker : workers_) {
        if (worker.alive) add(worker.outbox);
    }
    for (auto& [id, client] : clients_) add(client.outbox);
}

void Scheduler::remove_worker(WorkerRef ref, const WorkerDeath& death) {
    if (find(ref) == nullptr) return;
    auto& slot = workers_[ref.worker];
    if (slot.retiring) --retiring_;
    slot.alive = false;
    announce({{}, {ref}});
    const auto suspects = suspects_of(ref.worker, death);
    // What is lost must be known before its tasks are taken back: they may need it.
    lose_results_of(ref.worker);
    const auto dead = std::exchange(workers_[ref.worker], Worker{});
    if (!death.planned) suspicions_.add_death(suspects);
    take_tasks_back(dead, death, suspects);
    note_death(death);
    finish_event();
    if (expects_deaths()) copy_all_in_precaution();
}

void Scheduler::lose_results_of(WorkerId worker) {
    // A list of results for each worker would have to be kept up for every task; workers die
    // rarely.
    for (TaskId task = 0; task < tasks_.size() && workers_[worker].held > 0; ++task) {
        if (tasks_[task].state != TaskState::memory || !tasks_.has_holder(task, worker)) continue;
        drop_holder(task, worker);
    }
}

// What the worker may have died of.
std::vector<TaskId> Scheduler::suspects_of(WorkerId id, const WorkerDeath& death) const {
    std::vector<TaskId> suspects;
    if (death.planned) return suspects;
    const auto& worker = workers_[id];
    const auto& executing = death.executing ? *death.executing : worker.executing;
    // A task that waits may have made one of those that were executing, which are then forgotten
    // with it: it is what would make them again.
    for (const auto& record : worker.processing) {
        const bool executed = std::ranges::count(executing, tasks_.ref(record.task)) > 0;
        if (executed || (record.seceded && !executing.empty())) suspects.push_back(record.task);
    }
    // One that follows may have begun: that its last input is there would have been said later.
    for (const auto ref : executing) {
        if (goes_on_with(id, ref)) suspects.push_back(ref.task);
    }
    return suspects;
}

void Scheduler::take_tasks_back(const Worker& dead, const WorkerDeath& death,
                                std::span<const TaskId> suspects) {
    for (const auto& record : dead.processing) {
        tasks_[record.task].worker = none;
        const bool is_suspect = std::ranges::count(suspects, record.task) > 0;
        if (is_suspect && suspicions_.is_to_blame(record.task)) {
            blame(record.task, dead, death);
        } else {
            take_back(record.task);
        }
    }
}

// A task that was processing waits for another attempt. REQUIRES: it is in no worker's list.
void Scheduler::take_back(TaskId task) {
    stop_followers_of(task);
    move(task, TaskState::waiting);
    if (is_needed(tasks_[task])) {
        wait(task);
    } else {
        release(task);
    }
}

void Scheduler::blame(TaskId id, const Worker& dead, const WorkerDeath& death) {
    move(id, TaskState::waiting);
    Failure failure;
    failure.kind = Failure::Kind::killed_worker;
    failure.type = "KilledWorker";
    failure.text = fmt::format(
        "task '{}' was executing on {} workers when they died; it may crash the process or use up "
        "its memory: run it on a local executor to see. The last of them was {} at {}: {}",
        label(id), suspicions_.deaths(id), dead.name, dead.address, death.cause);
    failure.worker = dead.name;
    err(id, std::make_shared<const Reason>(Reason{tasks_.key_of(id), std::move(failure)}));
}

void Scheduler::handle(WorkerRef from, const FromWorker& message, Nanoseconds now) {
    auto* worker = find(from);
    if (worker == nullptr) return;
    worker->last_seen = now;
    note_time(now);
    std::visit([&](const auto& event) { on(from.worker, event); }, message);
    finish_event();
}

void Scheduler::on(WorkerId from, const TasksFinished& message) {
    auto& worker = workers_[from];
    for (const auto& result : message.tasks) {
        if (!computes(from, result.task)) {
            last_in<ReleaseTasks>(worker.outbox).tasks.push_back(result.task);
            continue;
        }
        operations_[tasks_.layer_of(result.task.task).operation].learn(result.duration,
                                                                       result.nbytes);
        remember(result.task.task, result);
    }
}

void Scheduler::on(WorkerId from, const TaskErred& message) {
    if (!computes(from, message.task)) return;
    const auto id = message.task.task;
    auto& task = tasks_[id];
    if (message.failure.kind == Failure::Kind::exception &&
        task.exceptions < tasks_.layer_of(id).retries) {
        ++task.exceptions;
        (void)unassign(id);
        take_back(id);
        return;
    }
    err(id, std::make_shared<const Reason>(Reason{tasks_.key_of(id), message.failure}));
}

void Scheduler::on(WorkerId from, const KeysAdded& message) {
    for (const auto ref : message.tasks) {
        if (computes(from, ref) && tasks_.layer_of(ref.task).is_data) {
            // It came from a client, and the report of that was lost.
            remember(ref.task, {ref, tasks_[ref.task].nbytes, 0, false, {}});
        } else if (!tasks_.is(ref, TaskState::memory)) {
            last_in<ReleaseTasks>(workers_[from].outbox).tasks.push_back(ref);
        } else if (!tasks_.has_holder(ref.task, from)) {
            keep_holder(ref.task, from);
        }
    }
}

void Scheduler::on(WorkerId from, const MissingData& message) {
    for (const auto holder : message.tried) {
        const bool is_holder = find(holder) != nullptr &&
                               tasks_.is(message.input, TaskState::memory) &&
                               tasks_.has_holder(message.input.task, holder.worker);
        if (!is_holder) continue;
        last_in<ReleaseTasks>(workers_[holder.worker].outbox).tasks.push_back(message.input);
        drop_holder(message.input.task, holder.worker);
    }
    if (goes_on_with(from, message.task)) return stop_following(message.task.task);
    if (!computes(from, message.task)) return;
    (void)unassign(message.task.task);
    take_back(message.task.task);
}

void Scheduler::on(WorkerId from, const Executing& message) {
    auto& worker = workers_[from];
    worker.executing = message.tasks;
    const auto before = worker.reports++;
    for (const auto ref : message.tasks) {
        if (!computes(from, ref)) continue;
        auto& record = worker.processing[tasks_[ref.task].position];
        if (record.reported != before) record.began = now_;
        record.reported = worker.reports;
    }
}

void Scheduler::on(WorkerId from, const Seceded& message) {
    if (!computes(from, message.task)) return;
    auto& worker = workers_[from];
    auto& record = worker.processing[tasks_[message.task.task].position];
    if (std::exchange(record.seceded, true)) return;
    ++worker.seceded;
    add_to_load(worker, record, -1);
}

void Scheduler::on(WorkerId from, const Rejoined& message) {
    if (!computes(from, message.task)) return;
    auto& worker = workers_[from];
    auto& record = worker.processing[tasks_[message.task.task].position];
    if (!std::exchange(record.seceded, false)) return;
    --worker.seceded;
    record.reported = 0;  // the time without a thread does not count
    add_to_load(worker, record, 1);
}

void Scheduler::on(WorkerId from, const Paused& message) {
    workers_[from].paused = message.is_paused;
    if (message.is_paused) stop_followers_on(workers_[from]);
    if (!message.is_paused) place_waiting_for_workers();
    relieve_paused();
}

// What paused workers have not begun goes to others, if there are any.
void Scheduler::relieve_paused() {
    for (auto& worker : workers_) {
        if (!worker.alive || !worker.paused) continue;
        if (std::ranges::none_of(workers_, &Worker::takes_tasks)) return;
        take_back_not_begun(worker);
    }
}

// Compares what both sides believe, when nothing is under way that the other has not seen yet. What
// was under way at the last heartbeat, too, is taken for lost; if it is not, asking does no harm.
void Scheduler::on(WorkerId from, const Heartbeat& message) {
    auto& worker = workers_[from];
    worker.metrics = message.metrics;
    const bool all_arrived = message.received == worker.sent;
    const bool agrees = all_arrived ? message.assigned == worker.assigned_digest &&
                                          message.held == worker.held_digest
                                    : worker.sent != worker.sent_before;
    worker.sent_before = worker.sent;
    if (!agrees && worker.outbox.empty()) worker.outbox.emplace_back(InventoryRequest{});
}

void Scheduler::on(WorkerId from, const Inventory& message) {
    auto& worker = workers_[from];
    // More was sent in the meantime: the next heartbeat will tell whether they still disagree.
    if (message.received != worker.sent || !worker.outbox.empty()) return;
    const std::set<TaskRef> assigned(message.assigned.begin(), message.assigned.end());
    for (const auto ref : assigned) {
        if (computes(from, ref) || goes_on_with(from, ref)) continue;
        last_in<ReleaseTasks>(worker.outbox).tasks.push_back(ref);
    }
    std::vector<TaskId> never_heard_of;
    // One that follows and never arrived is noticed when it should have begun.
    for (const auto& record : worker.processing) {
        const bool is_data = tasks_.layer_of(record.task).is_data;
        if (!is_data && !assigned.contains(tasks_.ref(record.task))) {
            never_heard_of.push_back(record.task);
        }
    }
    reconcile_held(from, message.held);
    // What told it of layers may have been lost as well; if not, it still has to forget them.
    std::ranges::replace(workers_[from].layers, Worker::Told::yes, Worker::Told::perhaps);
    for (const auto task : never_heard_of) {
        (void)unassign(task);
        take_back(task);
    }
}

void Scheduler::reconcile_held(WorkerId from, const std::vector<TaskRef>& list) {
    const std::set<TaskRef> held(list.begin(), list.end());
    for (TaskId task = 0; task < tasks_.size(); ++task) {
        const bool thought =
            tasks_[task].state == TaskState::memory && tasks_.has_holder(task, from);
        if (thought && !held.contains(tasks_.ref(task))) drop_holder(task, from);
    }
    on(from, KeysAdded{list});
}

void Scheduler::tick(Nanoseconds now) {
    note_time(now);
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        const auto& worker = workers_[k];
        if (!worker.alive || now - worker.last_seen < options_.time_to_live) continue;
        const WorkerRef ref{k, worker.incarnation};
        const auto silent = (now - worker.last_seen) / 1'000'000;
        const auto cause = fmt::format("it was silent for {} ms", silent);
        disconnects_.push_back({.worker = ref, .reason = cause, .may_return = true});
        remove_worker(ref, {.cause = cause});
    }
    advance_retirement();
    balance();
    tell_progress();
}

Instructions Scheduler::take() {
    Instructions out;
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        auto& worker = workers_[k];
        if (worker.outbox.empty()) continue;
        out.workers.push_back(
            {{k, worker.incarnation}, ++worker.sent, std::exchange(worker.outbox, {})});
    }
    for (auto& [id, client] : clients_) {
        if (!client.outbox.empty()) out.clients.push_back({id, std::exchange(client.outbox, {})});
    }
    out.disconnects = std::exchange(disconnects_, {});
    out.warnings = std::exchange(warnings_, {});
    return out;
}

}  // namespace satchel::scheduler
