// Tasks that follow others: a worker that computes a short task is told of the next one before it
// has finished, and goes on with it by itself. So a chain of short tasks does not pay the way to
// the scheduler and back for each of them. In the table such a task is `following` until its last
// input is reported; what it adds to its worker's load counts from then on.
#include "scheduler/scheduler.hpp"

namespace satchel::scheduler {
namespace {

// Longer tasks hardly feel the way to the scheduler, which may know a better place by then; and a
// worker that is busier than that is not the best place for certain.
constexpr Nanoseconds short_duration = 500'000;

constexpr std::uint32_t followers_max = 256;

}  // namespace

bool Scheduler::is_short(TaskId task) const {
    const auto& operation = operations_[tasks_.layer_of(task).operation];
    return operation.known && operation.duration <= short_duration;
}

// Whether a task that waits for nothing but `before` should be where that is computed.
bool Scheduler::may_follow(TaskId id, TaskId before) const {
    const auto& task = tasks_[id];
    const auto& input = tasks_[before];
    const bool is_on_its_way =
        input.state == TaskState::processing || input.state == TaskState::following;
    if (!is_on_its_way || task.missing != 1 || tasks_.layer_of(before).is_data) return false;
    const auto& worker = workers_[input.worker];
    if (!worker.takes_tasks() || worker.following >= followers_max || expects_deaths()) {
        return false;
    }
    if (!is_short(before) || worker.occupancy > short_duration * worker.threads) return false;
    if (suspicions_.contains(id) || suspicions_.contains(before)) return false;
    bool has_all_others = true;
    tasks_.for_each_input(id, [&](TaskId other) {
        has_all_others =
            has_all_others && (other == before || tasks_.has_holder(other, input.worker));
    });
    return has_all_others;
}

// Lets what waits for this task alone follow it, and what waits for that, one behind the other.
// Where several wait for one, they are better spread.
void Scheduler::let_follow(TaskId before) {
    while (tasks_[before].waiters == 1) {
        TaskId next = none;
        tasks_.for_each_dependent(before, [&](TaskId dependent) {
            if (tasks_[dependent].state == TaskState::waiting) next = dependent;
        });
        if (next == none || !may_follow(next, before)) return;
        auto& task = tasks_[next];
        move(next, TaskState::following);
        ++task.attempt;
        task.worker = tasks_[before].worker;
        auto& worker = workers_[task.worker];
        ++worker.following;
        worker.assigned_digest ^= digest_of(tasks_.ref(next));
        send_task(next, task.worker);
        before = next;
    }
}

TaskId Scheduler::follower_of(TaskId task) const {
    TaskId follower = none;
    if (tasks_[task].waiters == 0) return follower;
    tasks_.for_each_dependent(task, [&](TaskId dependent) {
        if (tasks_[dependent].state == TaskState::following) follower = dependent;
    });
    return follower;
}

// What it has followed is there.
void Scheduler::go_on_with(TaskId task) {
    --workers_[tasks_[task].worker].following;
    begin_processing(task);
    let_follow(task);
}

// The task, and what follows it, is taken from its worker, if that lives.
void Scheduler::stop_following(TaskId first) {
    for (auto id = first; id != none; id = follower_of(id)) {
        auto& task = tasks_[id];
        if (auto& worker = workers_[task.worker]; worker.alive) {
            --worker.following;
            worker.assigned_digest ^= digest_of(tasks_.ref(id));
            last_in<ReleaseTasks>(worker.outbox).tasks.push_back(tasks_.ref(id));
        }
        task.worker = none;
        move(id, TaskState::waiting);
    }
}

void Scheduler::stop_followers_of(TaskId task) {
    if (const auto follower = follower_of(task); follower != none) stop_following(follower);
}

void Scheduler::stop_followers_on(const Worker& worker) {
    if (worker.following == 0) return;
    for (const auto& record : worker.processing) stop_followers_of(record.task);
}

}  // namespace satchel::scheduler
