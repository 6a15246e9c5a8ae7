// What must hold in a scheduler, at certain moments, of what it does and says.
#include "simulation/checked_scheduler.hpp"
#include "simulation/require.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace satchel::simulation {
namespace {

using scheduler::TaskState;

// When so many workers have died, with no more than a while between them, what is small is had by
// two.
constexpr std::size_t deaths_expected_after = 3;
constexpr Time calm_after = 10'000 * millisecond;
constexpr std::int64_t copied_bytes_max = 64 << 10;

}  // namespace

bool CheckedScheduler::knows(WorkerRef ref) const {
    return ref.worker < workers().size() && workers()[ref.worker].alive &&
           workers()[ref.worker].incarnation == ref.incarnation;
}

bool CheckedScheduler::computes(WorkerRef worker, TaskRef task) const {
    return knows(worker) && tasks().is(task, TaskState::processing) &&
           tasks()[task.task].worker == worker.worker;
}

// What an event that counts for nothing must leave as it is.
CheckedScheduler::Standing CheckedScheduler::standing_of(TaskId task) const {
    if (task >= tasks().size()) return {};
    return {tasks()[task].state, tasks()[task].attempt};
}

// The newest attempt of a task.
TaskRef CheckedScheduler::current(TaskRef task) const {
    return task.task < tasks().size() ? tasks().ref(task.task) : task;
}

std::vector<WorkerRef> CheckedScheduler::holders_of(TaskRef task) const {
    std::vector<WorkerRef> holders;
    if (!tasks().is(task, TaskState::memory)) return holders;
    tasks().for_each_holder(task.task, [&](WorkerId holder) {
        holders.push_back({holder, workers()[holder].incarnation});
    });
    return holders;
}

bool CheckedScheduler::is_erred(const Key& key) const {
    const auto task = tasks().find(KeyRange{key.token, key.index, 1});
    return task && tasks()[task->first].state == TaskState::erred;
}

bool CheckedScheduler::is_given_up(const Key& key) const {
    return is_erred(key) || !tasks().find(KeyRange{key.token, key.index, 1});
}

std::size_t CheckedScheduler::count_alive() const {
    return static_cast<std::size_t>(std::ranges::count(workers(), true, &scheduler::Worker::alive));
}

// Workers have died without having been told to end.
void CheckedScheduler::note_deaths(std::size_t deaths) {
    if (deaths == 0) return;
    if (now_ - last_death_ >= calm_after) deaths_ = 0;
    deaths_ += deaths;
    last_death_ = now_;
}

bool CheckedScheduler::expects_deaths() const {
    return deaths_ >= deaths_expected_after && now_ - last_death_ < calm_after;
}

// The least and the greatest of all layers.
std::pair<std::uint64_t, std::uint64_t> CheckedScheduler::priorities() const {
    std::pair<std::uint64_t, std::uint64_t> range{UINT64_MAX, 0};
    for (LayerId id = 0; id < tasks().layer_count(); ++id) {
        const auto& layer = tasks().layer(id);
        if (layer.count == 0) continue;
        range = {std::min(range.first, layer.priority), std::max(range.second, layer.priority)};
    }
    return range;
}

// Graphs are computed in the order in which they come, be they of one client or of several; but
// those that tasks ask for before all others, and the newest first.
void CheckedScheduler::require_order(ClientId from, const std::vector<Token>& layers,
                                     std::pair<std::uint64_t, std::uint64_t> before) const {
    for (const auto& token : layers) {
        const auto layer = tasks().find(token);
        if (layer == none) continue;
        const auto priority = tasks().layer(layer).priority;
        require(tasks_clients_.contains(from) ? priority < before.first : priority > before.second,
                "a graph does not come when it is due");
    }
}

// Whether a task is data, or depends on some.
bool CheckedScheduler::needs_data(TaskId id) const {
    std::vector<TaskId> open{id};
    std::set<TaskId> seen;
    while (!open.empty()) {
        const auto task = open.back();
        open.pop_back();
        if (!seen.insert(task).second) continue;
        if (tasks().layer_of(task).is_data) return true;
        tasks().for_each_input(task, [&](TaskId input) { open.push_back(input); });
    }
    return false;
}

void CheckedScheduler::require_reason(const KeyErred& erred) const {
    const auto& cause = erred.cause;
    // It may have been forgotten, or be tried again already.
    if (!is_erred(cause)) return;
    if (erred.failure.kind == Failure::Kind::killed_worker) {
        require(suspects_.may_be_blamed(cause), "a task is blamed for what it did not do");
    } else if (erred.failure.kind == Failure::Kind::exception) {
        const auto& layer = tasks().layer(tasks().find(cause.token));
        require(exceptions(cause) == layer.retries + 1,
                "a task was not tried as often as it should be");
    }
}

// Who retires or is paused gets no tasks.
void CheckedScheduler::require_no_new_tasks() {
    std::map<WorkerRef, std::set<TaskRef>> assigned;
    for (WorkerId k = 0; k < workers().size(); ++k) {
        const auto& worker = workers()[k];
        if (!worker.alive) continue;
        const WorkerRef ref{k, worker.incarnation};
        auto& now = assigned[ref];
        for (const auto& record : worker.processing) now.insert(tasks().ref(record.task));
        require(worker.takes_tasks() || std::ranges::includes(assigned_[ref], now),
                "who retires or is paused gets no tasks");
    }
    assigned_ = std::move(assigned);
}

// Who gets no more tasks has handed back what it has not begun, if there is anybody to take it.
void CheckedScheduler::require_begun(WorkerId id) const {
    const auto& worker = workers()[id];
    if (!worker.retiring && std::ranges::none_of(workers(), &scheduler::Worker::takes_tasks))
        return;
    for (const auto& record : worker.processing) {
        require(
            record.seceded || std::ranges::count(worker.executing, tasks().ref(record.task)) > 0,
            "what has not begun is handed back");
    }
}

void CheckedScheduler::require_all_copied() const {
    for (TaskId task = 0; task < tasks().size(); ++task) require_copied(task);
}

// When workers die one after another, what is small and needed is had by two.
void CheckedScheduler::require_copied(TaskId id) const {
    if (!expects_deaths()) return;
    const auto& task = tasks()[id];
    const bool has_one_holder = task.state == TaskState::memory && task.more_holders == none;
    if (!has_one_holder || task.wants + task.waiters == 0 || task.nbytes > copied_bytes_max) return;
    bool may_be_copied = false, is_copied = false;
    for (WorkerId k = 0; k < workers().size(); ++k) {
        if (k == task.worker) continue;
        may_be_copied = may_be_copied || workers()[k].takes_tasks();
        is_copied = is_copied || is_to_copy(k, tasks().ref(id));
    }
    require(is_copied || !may_be_copied, "a result is not copied where workers die");
}

// Some workers could not give a result that was at `holders`: it is not looked for there any more,
// and still at the others.
void CheckedScheduler::require_dropped(TaskRef task, std::span<const WorkerRef> holders,
                                       std::span<const WorkerRef> tried) const {
    if (holders.empty()) return;
    const auto now = holders_of(task);
    const bool is_needed = tasks()[task.task].wants + tasks()[task.task].waiters > 0;
    if (now.empty() && !is_needed) return;
    for (const auto holder : holders) {
        const bool was_tried = std::ranges::count(tried, holder) > 0;
        const bool still_has_it = std::ranges::count(now, holder) > 0;
        require(was_tried != still_has_it, "only who could not give a result has it no more");
    }
}

void CheckedScheduler::require_everywhere(TaskId task) const {
    for (WorkerId k = 0; k < workers().size(); ++k) {
        const bool shall_copy = workers()[k].takes_tasks() && k != tasks()[task].worker;
        require(is_to_copy(k, tasks().ref(task)) == shall_copy,
                "data that shall be everywhere is copied by those that do not have it");
    }
}

// Whether a worker is about to be told to copy a result.
bool CheckedScheduler::is_to_copy(WorkerId worker, TaskRef task) const {
    return std::ranges::any_of(workers()[worker].outbox, [&](const ToWorker& message) {
        const auto* replicate = std::get_if<Replicate>(&message);
        return replicate != nullptr && std::ranges::count(replicate->tasks, task) > 0;
    });
}

void CheckedScheduler::require_agreement(WorkerRef from, const Heartbeat& beat,
                                         std::uint32_t seceded) const {
    if (faults_.lose > 0 || !knows(from)) return;
    const auto& worker = workers()[from.worker];
    if (beat.received != worker.sent || !worker.outbox.empty()) return;
    require(beat.assigned == worker.assigned_digest && beat.held == worker.held_digest,
            fmt::format("worker {} and the scheduler believe different things", from.worker));
    require(seceded == worker.seceded, "the scheduler knows who waits without a thread");
}

void CheckedScheduler::require_empty() const {
    for (LayerId id = 0; id < tasks().layer_count(); ++id) {
        const auto& layer = tasks().layer(id);
        if (layer.count == 0) continue;
        auto left = fmt::format("a layer is left that nobody wants, with {} pins:", layer.pins);
        for (std::uint32_t k = 0; k < layer.count; ++k) {
            const auto& task = tasks()[layer.first + k];
            left += fmt::format(" (state {}, wants {}, waiters {})", static_cast<int>(task.state),
                                task.wants, task.waiters);
        }
        require(false, left);
    }
    for (WorkerId k = 0; k < workers().size(); ++k) {
        const auto& worker = workers()[k];
        require(worker.held == 0 && worker.processing.empty(), "a worker is not free");
        const auto layers = layers_.find({k, worker.incarnation});
        require(!worker.alive || layers == layers_.end() || layers->second.empty(),
                "a worker is not told that it may forget a layer");
    }
    promises_.require_nothing_lent();
}

}  // namespace satchel::simulation
