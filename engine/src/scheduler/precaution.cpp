// Precaution: when workers die one after another, the computation may lose results as fast as it
// makes them, and would never end. What is small is then kept by two workers, so that it is lost
// only if both die before another copy has been made.
#include "scheduler/scheduler.hpp"

namespace satchel::scheduler {
namespace {

// One death is an accident, and what it costs is computed again. From so many on, with no more than
// a while between them, others are expected.
constexpr std::uint32_t deaths_expected_after = 3;
constexpr Nanoseconds calm_after = 10'000'000'000;

// What is larger would be copied for longer than it takes to compute it, as often as not.
constexpr std::int64_t copied_bytes_max = std::int64_t{64} << 10;

}  // namespace

void Scheduler::note_time(Nanoseconds now) {
    now_ = now;
    if (deaths_ > 0 && now - last_death_ >= calm_after) deaths_ = 0;
}

void Scheduler::note_death(const WorkerDeath& death) {
    if (death.planned) return;
    ++deaths_;
    last_death_ = now_;
}

bool Scheduler::expects_deaths() const noexcept { return deaths_ >= deaths_expected_after; }

// Has another worker copy a result that is needed and that only one has.
void Scheduler::copy_in_precaution(TaskId id) {
    const auto& task = tasks_[id];
    const bool has_one_holder = task.state == TaskState::memory && task.more_holders == none;
    if (!has_one_holder || !is_needed(task) || task.nbytes > copied_bytes_max) return;
    const WorkerRef holder{task.worker, workers_[task.worker].incarnation};
    for (std::size_t k = 0; k < workers_.size(); ++k) {
        next_copier_ = (next_copier_ + 1) % static_cast<WorkerId>(workers_.size());
        if (next_copier_ == task.worker || !workers_[next_copier_].takes_tasks()) continue;
        return replicate(id, holder, workers_[next_copier_]);
    }
}

// Who was to have the second copy may have died, or there may have been nobody.
void Scheduler::copy_all_in_precaution() {
    for (TaskId task = 0; task < tasks_.size(); ++task) copy_in_precaution(task);
}

}  // namespace satchel::scheduler
