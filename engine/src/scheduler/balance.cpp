// Balance: what was given to a worker ahead of time waits there while others have nothing to do,
// because something takes longer than was expected, or because those others came later. It is asked
// back. Only the worker knows what it has not begun; what it hands back gets a place anew.
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
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
    if (count(TaskState::queued) > 0) return;
    Nanoseconds work = 0;
    std::int64_t places = 0, idle = 0;
    for (const auto& worker : workers_) {
        if (!worker.takes_tasks()) continue;
        work += worker.occupancy;
        places += worker.places();
        idle += std::max<std::int64_t>(std::int64_t{worker.places()} - worker.busy(), 0);
    }
    for (auto& worker : workers_) {
        if (idle <= 0) return;
        if (worker.stays() && worker.busy() > worker.places()) {
            idle -= ask_back(worker, work / places, idle);
        }
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

// Asks for what has not begun, the least urgent first: for each idle thread one, and then as long
// as a thread of this worker has more to do than is `fair`. Gives how many.
std::int64_t Scheduler::ask_back(Worker& worker, Nanoseconds fair, std::int64_t idle) {
    const auto places = std::int64_t{worker.places()};
    const auto wait = worker.occupancy / places;
    if (wait < short_wait) return 0;
    std::vector<std::pair<std::uint64_t, TaskId>> waiting;
    for (const auto& record : worker.processing) {
        const bool has_begun = record.seceded || record.reported == worker.reports;
        const bool is_data = tasks_.layer_of(record.task).is_data;
        if (has_begun || is_data || cost_of_moving(record.task) > wait) continue;
        waiting.emplace_back(priority_of(record.task), record.task);
    }
    std::ranges::sort(waiting, std::greater<>());
    HandBack message;
    auto left = worker.occupancy;
    for (const auto& [priority, task] : waiting) {
        left -= worker.processing[tasks_[task].position].expected;
        const bool is_enough = std::ssize(message.tasks) >= idle && left < fair * places;
        if (is_enough || message.tasks.size() == asked_max) break;
        message.tasks.push_back(tasks_.ref(task));
    }
    const auto asked = std::ssize(message.tasks);
    if (asked > 0) worker.outbox.emplace_back(std::move(message));
    return asked;
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
        return std::pair(!worker.takes_tasks(), worker.occupancy / std::int64_t{worker.places()});
    };
    const auto idlest = std::ranges::min_element(workers_, {}, load);
    const auto count = static_cast<WorkerId>(workers_.size());
    next_worker_ = (static_cast<WorkerId>(idlest - workers_.begin()) + count - 1) % count;
}

}  // namespace satchel::scheduler
