// The life of a task: which transitions are legal, and what each means for the task's neighbours.
// Nothing here recurses over the graph: what may have to change is touched, and settled in turn.
#include "scheduler/scheduler.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace satchel::scheduler {
namespace {

using enum TaskState;

constexpr std::uint32_t bit(TaskState state) { return 1U << static_cast<std::uint32_t>(state); }

// The states that may follow each state. docs/scheduler.md says when they do.
constexpr std::array<std::uint32_t, task_states> followers = {
    /* forgotten  */ bit(released),
    /* released   */ bit(waiting) | bit(forgotten),
    /* waiting    */ bit(released) | bit(queued) | bit(no_worker) | bit(following) |
        bit(processing) | bit(erred),
    /* queued     */ bit(released) | bit(waiting) | bit(processing),
    /* no_worker  */ bit(released) | bit(waiting),
    /* following  */ bit(released) | bit(waiting) | bit(processing),
    /* processing */ bit(released) | bit(waiting) | bit(memory) | bit(erred),
    /* memory     */ bit(released),
    /* erred      */ bit(released) | bit(forgotten)};

constexpr bool contains(std::uint32_t set, TaskState state) { return (set & bit(state)) != 0; }
constexpr bool is_active(TaskState state) {
    return contains(bit(waiting) | bit(queued) | bit(no_worker) | bit(following) | bit(processing),
                    state);
}
// A layer all of whose tasks are like this has nothing to do and nothing to give.
constexpr bool is_idle(TaskState state) { return contains(bit(released) | bit(erred), state); }

}  // namespace

void Scheduler::move(TaskId id, TaskState to) {
    auto& task = tasks_[id];
    const auto from = task.state;
    if (!contains(followers[static_cast<std::size_t>(from)], to)) refuse_transition(id, to);
    --counts_[static_cast<std::size_t>(from)];
    ++counts_[static_cast<std::size_t>(to)];
    task.state = to;
    if (is_idle(from) && !is_idle(to)) tasks_.pin(task.layer);
    if (!is_idle(from) && is_idle(to) && tasks_.unpin(task.layer)) idle_.push_back(task.layer);
}

void Scheduler::refuse_transition(TaskId task, TaskState to) const {
    throw std::logic_error(fmt::format(
        "scheduler: task '{}' (number {}, attempt {}) cannot go "
        "from {} to {}",
        label(task), task, tasks_[task].attempt, name_of(tasks_[task].state), name_of(to)));
}

std::string Scheduler::label(TaskId task) const {
    const auto& layer = tasks_.layer_of(task);
    const auto& name = operations_[layer.operation].name;
    return layer.count == 1 ? name : fmt::format("{}:{}", name, task - layer.first);
}

void Scheduler::touch(TaskId id) {
    if (std::exchange(tasks_[id].touched, true)) return;
    touched_.push_back(id);
}

// Makes the state of a task agree with whether it is needed.
void Scheduler::settle(TaskId id) {
    auto& task = tasks_[id];
    task.touched = false;
    const bool needed = is_needed(task);
    if (task.state == released && needed) activate(id);
    if ((is_active(task.state) || task.state == memory) && !needed) release(id);
}

void Scheduler::finish_event() {
    while (!touched_.empty() || !idle_.empty()) {
        while (!touched_.empty()) {
            const auto task = touched_.back();
            touched_.pop_back();
            settle(task);
        }
        if (idle_.empty()) break;
        const auto layer = idle_.back();
        idle_.pop_back();
        if (tasks_.layer(layer).count > 0 && tasks_.layer(layer).pins == 0) forget(layer);
    }
    distribute();
    // Entries that were passed over pile up where nobody takes any out.
    if (count(queued) == 0) queue_.clear();
    if (count(no_worker) == 0) no_worker_.clear();
}

void Scheduler::activate(TaskId id) {
    move(id, waiting);
    tasks_.for_each_input(id, [&](TaskId input) { ++tasks_[input].waiters; });
    wait(id);
}

// A task that has just begun to wait: counts what is missing and makes sure that it will come.
void Scheduler::wait(TaskId id) {
    auto& task = tasks_[id];
    task.missing = 0;
    TaskId erred_input = none;
    TaskId last_missing = none;
    tasks_.for_each_input(id, [&](TaskId input) {
        const auto state = tasks_[input].state;
        if (state == memory) return;
        ++task.missing;
        last_missing = input;
        if (state == released) touch(input);
        if (state == erred) erred_input = input;
    });
    if (erred_input != none) {
        err(id, reasons_.at(erred_input));
    } else if (task.missing == 0) {
        place(id);
    } else if (task.missing == 1) {
        let_follow(last_missing);
    }
}

// The task no longer needs its inputs.
void Scheduler::leave_active(TaskId id) {
    tasks_.for_each_input(id, [&](TaskId input) {
        if (--tasks_[input].waiters == 0) touch(input);
    });
}

void Scheduler::assign(TaskId id, WorkerId worker_id) {
    auto& task = tasks_[id];
    ++task.attempt;
    task.worker = worker_id;
    begin_processing(id);
    if (tasks_.layer_of(id).is_data) return ask_for_data(id, worker_id);
    workers_[worker_id].assigned_digest ^= digest_of(tasks_.ref(id));
    send_task(id, worker_id);
    let_follow(id);
}

// The task becomes part of the load of its worker.
void Scheduler::begin_processing(TaskId id) {
    auto& task = tasks_[id];
    auto& worker = workers_[task.worker];
    const auto& layer = tasks_.layer_of(id);
    const auto& operation = operations_[layer.operation];
    const auto expected = operation.known ? operation.duration : options_.unknown_duration;
    const auto expected_bytes = layer.is_data ? task.nbytes : operation.nbytes;
    move(id, processing);
    task.position = static_cast<std::uint32_t>(worker.processing.size());
    worker.processing.push_back(
        {id, false, expected, expected_bytes, suspicions_.is_nearly_to_blame(id)});
    add_to_load(worker, worker.processing.back(), 1);
    worker.expected_bytes += expected_bytes;
}

// What needs a thread, once more or no longer.
void Scheduler::add_to_load(Worker& worker, const Worker::Processing& record, int sign) {
    worker.occupancy += sign * record.expected;
    if (record.alone) worker.alone += static_cast<std::uint32_t>(sign);
    if (!is_of_a_task(priority_of(record.task))) return;
    worker.of_tasks += static_cast<std::uint32_t>(sign);
    worker.of_tasks_occupancy += sign * record.expected;
}

Worker::Processing Scheduler::unassign(TaskId id) {
    auto& task = tasks_[id];
    auto& worker = workers_[task.worker];
    const auto record = worker.processing[task.position];
    // A worker knows nothing of data that is on its way to it.
    if (!tasks_.layer_of(id).is_data) worker.assigned_digest ^= digest_of(tasks_.ref(id));
    worker.expected_bytes -= record.expected_bytes;
    if (record.seceded) --worker.seceded;
    if (!record.seceded) add_to_load(worker, record, -1);
    worker.processing[task.position] = worker.processing.back();
    tasks_[worker.processing.back().task].position = task.position;
    worker.processing.pop_back();
    task.worker = none;
    return record;
}

// Nobody needs the task any more.
void Scheduler::release(TaskId id) {
    auto& task = tasks_[id];
    if (task.state == memory) {
        const auto ref = tasks_.ref(id);
        tasks_.for_each_holder(id, [&](WorkerId holder) {
            auto& worker = workers_[holder];
            last_in<ReleaseTasks>(worker.outbox).tasks.push_back(ref);
            worker.held_digest ^= digest_of(ref);
            worker.held_bytes -= task.nbytes;
            --worker.held;
        });
        tasks_.clear_holders(id);
    } else {
        if (task.state == following) stop_following(id);
        if (task.state == processing) {
            last_in<ReleaseTasks>(workers_[task.worker].outbox).tasks.push_back(tasks_.ref(id));
            (void)unassign(id);
        }
        leave_active(id);
    }
    move(id, released);
}

// The task's worker has its result.
void Scheduler::remember(TaskId id, const FinishedTask& result) {
    const auto worker = tasks_[id].worker;
    (void)unassign(id);
    move(id, memory);
    auto& task = tasks_[id];
    task.nbytes = result.nbytes;
    task.exceptions = 0;
    suspicions_.acquit(id);
    if (auto* graph = watched_graph_of(tasks_.layer_of(id))) ++graph->finished;
    keep_holder(id, worker);
    if (tasks_.layer_of(id).everywhere) copy_everywhere(id);
    leave_active(id);
    tasks_.for_each_dependent(id, [&](TaskId dependent) {
        auto& other = tasks_[dependent];
        if (other.state == waiting && --other.missing == 0) place(dependent);
        if (other.state == following) go_on_with(dependent);
    });
    if (task.wants > 0) report_ready(id, &result);
    if (!is_needed(task)) return touch(id);
    if (expects_deaths()) copy_in_precaution(id);
}

// The last copy of a result is gone.
void Scheduler::lose(TaskId id) {
    move(id, released);
    tasks_.for_each_dependent(id, [&](TaskId dependent) {
        auto& other = tasks_[dependent];
        if (other.state == following) stop_following(dependent);
        if (other.state == waiting) ++other.missing;
        if (other.state != queued && other.state != no_worker) return;
        move(dependent, waiting);
        other.missing = 1;
    });
    if (tasks_[id].wants > 0) report_lost(id);
    touch(id);
}

// The task has failed, and with it whatever waits for it.
void Scheduler::err(TaskId id, const ReasonPtr& reason) {
    std::vector<TaskId> failing{id};
    while (!failing.empty()) {
        const auto task = failing.back();
        failing.pop_back();
        if (tasks_[task].state == erred) continue;
        stop_followers_of(task);
        if (tasks_[task].state == processing) (void)unassign(task);
        move(task, erred);
        reasons_.emplace(task, reason);
        suspicions_.forget(task);
        leave_active(task);
        if (tasks_[task].wants > 0) report_erred(task, *reason);
        tasks_.for_each_dependent(task, [&](TaskId dependent) {
            if (tasks_[dependent].state == waiting) failing.push_back(dependent);
        });
    }
}

void Scheduler::keep_holder(TaskId id, WorkerId worker_id) {
    auto& worker = workers_[worker_id];
    tasks_.add_holder(id, worker_id);
    worker.held_digest ^= digest_of(tasks_.ref(id));
    worker.held_bytes += tasks_[id].nbytes;
    ++worker.held;
}

// A worker does not have a result that it was thought to have.
void Scheduler::drop_holder(TaskId id, WorkerId worker_id) {
    auto& worker = workers_[worker_id];
    tasks_.remove_holder(id, worker_id);
    worker.held_digest ^= digest_of(tasks_.ref(id));
    worker.held_bytes -= tasks_[id].nbytes;
    --worker.held;
    if (tasks_[id].worker == none) lose(id);
}

void Scheduler::forget(LayerId id) {
    const auto span = tasks_.layer(id).tasks();
    for (std::uint32_t k = 0; k < span.count; ++k) {
        const auto task = span.first + k;
        const auto state = tasks_[task].state;
        if (!contains(followers[static_cast<std::size_t>(state)], forgotten)) {
            refuse_transition(task, forgotten);
        }
        --counts_[static_cast<std::size_t>(state)];
        if (state == erred) reasons_.erase(task);
        suspicions_.forget(task);
    }
    for (auto& worker : workers_) {
        if (id >= worker.layers.size()) continue;
        if (std::exchange(worker.layers[id], Worker::Told::no) == Worker::Told::no) continue;
        last_in<ForgetLayers>(worker.outbox).layers.push_back(id);
    }
    const auto& layer = tasks_.layer(id);
    if (auto* graph = watched_graph_of(layer); graph != nullptr && --graph->layers == 0) {
        clients_.at(layer.watcher).watched.erase(layer.watch);
    }
    if (layer.is_data && layer.owner != none) {
        last_in<ForgetData>(clients_.at(layer.owner).outbox).layers.push_back(layer.token);
    }
    tasks_.remove(id, idle_);
}

}  // namespace satchel::scheduler
