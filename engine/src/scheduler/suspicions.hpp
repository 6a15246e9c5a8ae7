// Suspicions: which tasks were executing when workers died, and how much that tells.
//
// A task that kills its workers is there at every death. But workers also die of something else,
// and where that happens often, a task that takes long is there several times by chance. How often
// it happens is known: of each of the last deaths, whether a task may have caused it that has not
// finished since. So many more as no task has caused, a task is allowed. When one does kill its
// workers, these deaths are soon the last ones.
#pragma once

#include "messages/names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace satchel::scheduler {

class Suspicions {
  public:
    /// So many deaths are looked back at. Where every fourth death is a task's, none is blamed in a
    /// thousand deaths; and one that kills is given up after eight, if three are allowed.
    static constexpr std::size_t window = 12;

    /// `allowed`: a task is to blame when it was executing on more dying workers than this.
    explicit Suspicions(std::uint32_t allowed) : allowed_(allowed) {}

    /// A worker died while it was executing `tasks`.
    void add_death(std::span<const TaskId> tasks) {
        ++deaths_;
        unexplained(deaths_) = tasks.empty();
        for (const auto task : tasks) {
            auto& suspect = suspects_[task];
            ++suspect.deaths;
            // Of several, one that finishes does not tell that the others are not to blame, either.
            if (tasks.size() == 1) suspect.deaths_alone.push_back(deaths_);
        }
    }

    /// How many workers died while they were executing the task, since it finished last.
    [[nodiscard]] std::uint32_t deaths(TaskId task) const {
        const auto found = suspects_.find(task);
        return found == suspects_.end() ? 0 : found->second.deaths;
    }

    [[nodiscard]] bool is_to_blame(TaskId task) const { return deaths(task) > allowed(); }

    /// Whether the next death or the one after it puts the blame on the task. It is to be executed
    /// alone from then on: who is there by chance finishes, and who kills is there alone.
    [[nodiscard]] bool is_nearly_to_blame(TaskId task) const {
        return contains(task) && deaths(task) + 1 >= allowed();
    }

    [[nodiscard]] bool contains(TaskId task) const { return suspects_.contains(task); }

    /// The task has finished: it can be executed without killing anybody.
    void acquit(TaskId task) {
        if (suspects_.empty()) return;
        const auto found = suspects_.find(task);
        if (found == suspects_.end()) return;
        for (const auto death : found->second.deaths_alone) {
            if (deaths_ - death < unexplained_.size()) unexplained(death) = true;
        }
        suspects_.erase(found);
    }

    /// The task is given up.
    void forget(TaskId task) { suspects_.erase(task); }

  private:
    struct Suspect {
        std::uint32_t deaths = 0;
        std::vector<std::uint64_t> deaths_alone;  // their numbers
    };

    [[nodiscard]] std::uint32_t allowed() const {
        return allowed_ + static_cast<std::uint32_t>(std::ranges::count(unexplained_, true));
    }

    bool& unexplained(std::uint64_t death) {
        return unexplained_[static_cast<std::size_t>(death % unexplained_.size())];
    }

    std::uint32_t allowed_;
    std::uint64_t deaths_ = 0;
    std::array<bool, window> unexplained_{};  // of the last deaths, by their numbers
    std::map<TaskId, Suspect> suspects_;
};

}  // namespace satchel::scheduler
