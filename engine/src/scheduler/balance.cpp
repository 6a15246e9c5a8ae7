// Balance: what was given to a worker ahead of time waits there while others have nothing to do,
// because something takes longer than was expected, or because those others came later. It is asked
// back. Only the worker knows what it has not begun; what it hands back gets a place anew.
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace satchel::scheduler {
namespace {

// What waits for less is better left where it is.
constexpr Nanoseconds short_wait = 20'000'000;

// At once. The next beat of the heart comes soon.
constexpr std::size_t asked_max = 4096;

}  // namespace

void Scheduler::balance() {
    for (auto& worker : workers_) expect_longer(worker);
    if (count(TaskState::queued) > 0 || !has_thread_idle()) return;
    Nanoseconds work = 0;
    std::int64_t threads = 0;
    for (const auto& worker : workers_) {
        if (!worker.takes_tasks()) continue;
        work += worker.occupancy;
        threads += worker.threads;
    }
    for (auto& worker : workers_) {
        if (worker.stays() && worker.busy() > worker.threads) ask_back(worker, work / threads);
    }
}

// A call that has taken longer than was expected will, for all that is known, take as long again.
void Scheduler::expect_longer(Worker& worker) {
    const auto id = static_cast<WorkerId>(&worker - workers_.data());
    for (const auto ref : worker.executing) {
        if (!computes(id, ref)) continue;
        auto& record = worker.processing[tasks_[ref.task].position];
        const auto took = now_ - record.began;
        if (record.seceded || record.reported != worker.reports || took <= record.expected)
            continue;
        add_to_load(worker, record, -1);
        record.expected = took;
        add_to_load(worker, record, 1);
    }
}

bool Scheduler::has_thread_idle() const {
    return std::ranges::any_of(workers_, [](const Worker& worker) {
        return worker.takes_tasks() && worker.busy() < worker.threads;
    });
}

// Asks for what has not begun, the least urgent first, until a thread of this worker has no more to
// do than is `fair`.
void Scheduler::ask_back(Worker& worker, Nanoseconds fair) {
    const auto threads = std::int64_t{worker.threads};
    const auto wait = worker.occupancy / threads;
    if (wait < short_wait) return;
    std::vector<std::pair<std::uint64_t, TaskId>> waiting;
    for (const auto& record : worker.processing) {
        const auto& layer = tasks_.layer_of(record.task);
        const bool has_begun = record.seceded || record.reported == worker.reports;
        if (has_begun || layer.is_data || cost_of_moving(record.task) > wait) continue;
        waiting.emplace_back(layer.priority + (record.task - layer.first), record.task);
    }
    std::ranges::sort(waiting, std::greater<>());
    HandBack message;
    auto left = worker.occupancy;
    for (const auto& [priority, task] : waiting) {
        left -= worker.processing[tasks_[task].position].expected;
        if (left < fair * threads || message.tasks.size() == asked_max) break;
        message.tasks.push_back(tasks_.ref(task));
    }
    if (!message.tasks.empty()) worker.outbox.emplace_back(std::move(message));
}

void Scheduler::on(WorkerId from, const HandedBack& message) {
    for (const auto ref : message.tasks) {
        if (!computes(from, ref)) continue;
        (void)unassign(ref.task);
        turn_to_idlest();
        take_back(ref.task);
    }
}

// The next in turn shall be the worker that has the least to do.
void Scheduler::turn_to_idlest() {
    const auto load = [](const Worker& worker) {
        return std::pair(!worker.takes_tasks(), worker.occupancy / std::int64_t{worker.threads});
    };
    const auto idlest = std::ranges::min_element(workers_, {}, load);
    const auto count = static_cast<WorkerId>(workers_.size());
    next_worker_ = (static_cast<WorkerId>(idlest - workers_.begin()) + count - 1) % count;
}

}  // namespace satchel::scheduler
