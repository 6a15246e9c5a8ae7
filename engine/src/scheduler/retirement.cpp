// Retirement: a worker leaves without anybody's having to compute anything again. It gets no more
// tasks and finishes those that it runs; others copy what only it has; then it is told to close. If
// there are no others, it leaves all the same.
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::scheduler {

void Scheduler::retire_worker(WorkerRef ref) {
    auto* worker = find(ref);
    if (worker == nullptr || std::exchange(worker->retiring, true)) return;
    ++retiring_;
    take_back_not_begun(*worker);
    (void)replicate_from(ref.worker);
    finish_event();
}

// Whether a result would be gone with this worker, or with it and others that are leaving as well.
bool Scheduler::leaves_with(TaskId task, WorkerId leaving) const {
    if (tasks_[task].state != TaskState::memory) return false;
    bool is_there = false;
    bool stays = false;
    tasks_.for_each_holder(task, [&](WorkerId holder) {
        is_there = is_there || holder == leaving;
        stays = stays || workers_[holder].stays();
    });
    return is_there && !stays;
}

// What has not begun on a worker is better begun elsewhere.
void Scheduler::take_back_not_begun(Worker& worker) {
    std::vector<TaskId> not_begun;
    for (const auto& record : worker.processing) {
        const bool begun =
            record.seceded || std::ranges::count(worker.executing, tasks_.ref(record.task)) > 0;
        if (!begun) not_begun.push_back(record.task);
    }
    stop_followers_on(worker);
    for (const auto task : not_begun) {
        last_in<ReleaseTasks>(worker.outbox).tasks.push_back(tasks_.ref(task));
        (void)unassign(task);
        take_back(task);
    }
}

// Has other workers copy what would leave with this one, each about as much as the others. False if
// there is nothing of that kind, or nobody to copy it.
bool Scheduler::replicate_from(WorkerId leaving) {
    std::vector<WorkerId> others;
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        if (workers_[k].stays()) others.push_back(k);
    }
    std::size_t turn = 0;
    bool found = false;
    if (others.empty()) return false;
    for (TaskId task = 0; task < tasks_.size() && workers_[leaving].held > 0; ++task) {
        if (!leaves_with(task, leaving)) continue;
        found = true;
        replicate(task, {leaving, workers_[leaving].incarnation},
                  workers_[others[turn++ % others.size()]]);
    }
    return found;
}

// Has a worker copy a result.
void Scheduler::replicate(TaskId task, WorkerRef holder, Worker& to) {
    if (to.outbox.empty() || !std::holds_alternative<Replicate>(to.outbox.back()) ||
        std::get<Replicate>(to.outbox.back()).holder != holder) {
        to.outbox.emplace_back(Replicate{{}, {}, holder});
    }
    auto& message = std::get<Replicate>(to.outbox.back());
    message.tasks.push_back(tasks_.ref(task));
    message.nbytes.push_back(tasks_[task].nbytes);
}

// Closes those that retire and are of no more use; has what is left copied, or copied again, if
// who was to copy it has died.
void Scheduler::advance_retirement() {
    for (WorkerId k = 0; k < workers_.size() && retiring_ > 0; ++k) {
        auto& worker = workers_[k];
        if (!worker.alive || !worker.retiring || worker.closing) continue;
        if (replicate_from(k)) continue;
        // Without other workers, what a task waits for may never come: it is better begun again
        // when there are some.
        const bool is_last = std::ranges::none_of(workers_, &Worker::stays);
        if (is_last ? worker.busy() > 0 : !worker.processing.empty()) continue;
        worker.closing = true;
        worker.outbox.emplace_back(CloseWorker{"it was retired"});
        if (!is_last || worker.held == 0) continue;
        warnings_.push_back(fmt::format(
            "the worker '{}' leaves, and there is no other to take over its {} results of {} "
            "bytes; those that are needed will be computed again when there is a worker",
            worker.name, worker.held, worker.held_bytes));
    }
}

}  // namespace satchel::scheduler
