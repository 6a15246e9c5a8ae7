// Where a task is computed, and when. A task with inputs goes at once to a worker that has them or
// to one that is idle enough; a source-like task, which fills memory and could run anywhere, is
// held back until a worker has room for it.
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace satchel::scheduler {
namespace {

// What it costs to have inputs elsewhere: a round trip that wakes two threads, and the time that
// the bytes take on an ordinary network. Guesses are enough, as they are only compared with how
// long tasks wait.
constexpr Nanoseconds transfer_latency = 500'000;
constexpr std::int64_t bytes_per_microsecond = 500;

// How much work a worker is given ahead of time, a thread: enough to cover the way to the scheduler
// and back many times over, and little enough that the last tasks of a graph end together.
constexpr Nanoseconds work_ahead = 20'000'000;
constexpr std::uint32_t tasks_ahead_max = 2048;
constexpr std::int64_t bytes_ahead = std::int64_t{64} << 20;

// How many holders of an input a worker is told of: one to fetch from, the others in case.
constexpr std::uint32_t holders_max = 3;

Nanoseconds cost_of_transfer(std::int64_t bytes) {
    return bytes == 0 ? 0 : transfer_latency + bytes / bytes_per_microsecond * 1000;
}

}  // namespace

// Finds a place for a task that waits for nothing any more.
void Scheduler::place(TaskId id) {
    const auto& layer = tasks_.layer_of(id);
    if (layer.is_data && layer.owner == none) return fail_data(id, "the client has gone");
    if (layer.source_like) {
        move(id, TaskState::queued);
        queue_.push(priority_of(id), id);
        return;
    }
    const auto worker = choose_worker(id);
    if (worker != none) {
        assign(id, worker);
        return;
    }
    move(id, TaskState::no_worker);
    no_worker_.push_back(id);
}

void Scheduler::place_waiting_for_workers() {
    for (const auto task : std::exchange(no_worker_, {})) {
        if (tasks_[task].state != TaskState::no_worker) continue;
        move(task, TaskState::waiting);
        place(task);
    }
}

// The worker where the task can begin soonest: among those that have some of its inputs, and one
// more in turn, so that work spreads when those are busy.
WorkerId Scheduler::choose_worker(TaskId id) {
    local_bytes_.resize(workers_.size());
    candidates_.clear();
    std::int64_t total = 0;
    const auto add = [&](WorkerId worker, std::int64_t bytes) {
        if (!workers_[worker].takes_tasks()) return;
        if (std::ranges::find(candidates_, worker) == candidates_.end()) {
            candidates_.push_back(worker);
            local_bytes_[worker] = 0;
        }
        local_bytes_[worker] += bytes;
    };
    tasks_.for_each_input(id, [&](TaskId input) {
        // A result of no size still has to be fetched.
        const auto bytes = std::max<std::int64_t>(tasks_[input].nbytes, 1);
        total += bytes;
        tasks_.for_each_holder(input, [&](WorkerId holder) { add(holder, bytes); });
    });
    for (std::size_t k = 0; k < workers_.size(); ++k) {
        next_worker_ = (next_worker_ + 1) % static_cast<WorkerId>(workers_.size());
        if (!workers_[next_worker_].takes_tasks()) continue;
        add(next_worker_, 0);
        break;
    }
    WorkerId best = none;
    Nanoseconds best_cost = std::numeric_limits<Nanoseconds>::max();
    for (const auto candidate : candidates_) {
        const auto& worker = workers_[candidate];
        const auto cost = cost_of_transfer(total - local_bytes_[candidate]) +
                          worker.occupancy / std::int64_t{worker.places()};
        if (cost >= best_cost) continue;
        best = candidate;
        best_cost = cost;
    }
    return best;
}

// What it costs to have the inputs of a task come from elsewhere.
Nanoseconds Scheduler::cost_of_moving(TaskId id) const {
    std::int64_t bytes = 0;
    tasks_.for_each_input(id, [&](TaskId input) { bytes += tasks_[input].nbytes; });
    return cost_of_transfer(bytes);
}

bool Scheduler::has_room(const Worker& worker) const {
    if (!worker.takes_tasks()) return false;
    // What tasks wait for does not wait for what was given out before.
    const bool is_for_task = !queue_.empty() && is_of_a_task(queue_.next_priority());
    const auto busy = is_for_task ? worker.of_tasks : worker.busy();
    const auto occupancy = is_for_task ? worker.of_tasks_occupancy : worker.occupancy;
    // One more than it has threads, so that none waits for its next task.
    if (busy <= worker.places()) return true;
    const auto threads = std::int64_t{worker.places()};
    return busy < tasks_ahead_max * worker.places() && occupancy < work_ahead * threads &&
           worker.expected_bytes < bytes_ahead * threads;
}

// Hands queued tasks out: first one to each idle thread, then more to all alike. Each worker gets
// tasks that follow each other, because what follows each other is likely to be combined.
void Scheduler::distribute() {
    for (const bool idle_only : {true, false}) {
        while (count(TaskState::queued) > 0) {
            const auto may_take = [&](const Worker& worker) {
                return has_room(worker) && (!idle_only || worker.busy() < worker.places());
            };
            const auto takers = std::ranges::count_if(workers_, may_take);
            if (takers == 0) break;
            const auto share = (count(TaskState::queued) + takers - 1) / takers;
            for (std::size_t k = 0; k < workers_.size() && count(TaskState::queued) > 0; ++k) {
                next_worker_ = (next_worker_ + 1) % static_cast<WorkerId>(workers_.size());
                auto& worker = workers_[next_worker_];
                if (may_take(worker)) hand_out(worker, share, idle_only);
            }
        }
    }
}

void Scheduler::hand_out(Worker& worker, std::int64_t share, bool idle_only) {
    const auto id = static_cast<WorkerId>(&worker - workers_.data());
    for (; share > 0 && count(TaskState::queued) > 0; --share) {
        if (!has_room(worker) || (idle_only && worker.busy() >= worker.places())) return;
        TaskId task = none;
        do {
            task = queue_.pop();
        } while (tasks_[task].state != TaskState::queued);
        assign(task, id);
    }
}

void Scheduler::send_task(TaskId id, WorkerId worker_id) {
    auto& worker = workers_[worker_id];
    const auto& task = tasks_[id];
    const auto& layer = tasks_.layer(task.layer);
    const auto& operation = operations_[layer.operation];
    // One that was there when a worker died shall not take others along the next time.
    const auto expected =
        operation.known && !suspicions_.contains(id) ? operation.duration : Nanoseconds{0};
    auto& message = last_in<ComputeTasks>(worker.outbox);
    if (task.layer >= worker.layers.size()) worker.layers.resize(task.layer + 1);
    if (std::exchange(worker.layers[task.layer], Worker::Told::yes) != Worker::Told::yes) {
        message.layers.push_back(
            {task.layer, operation.name, layer.code->function, layer.code->literals});
    }
    references_.clear();
    tasks_.arguments_of(id, references_);
    message.tasks.push_back(
        {tasks_.ref(id), task.layer, id - layer.first, priority_of(id), expected,
         static_cast<std::uint32_t>(references_.size()), task.wants > 0,
         task.state == TaskState::processing && worker.processing[task.position].alone});
    for (const auto reference : references_) {
        auto& argument = message.arguments.emplace_back(Argument{reference});
        if (detail::is_literal(reference)) continue;
        const auto& input = tasks_[reference];
        argument.attempt = input.attempt;
        argument.nbytes = input.nbytes;
        if (input.state != TaskState::memory) continue;  // it follows that
        tasks_.for_each_holder(reference, [&](WorkerId holder) {
            if (argument.holders == holders_max) return;
            ++argument.holders;
            message.holders.push_back({holder, workers_[holder].incarnation});
        });
    }
}

}  // namespace satchel::scheduler
