// Suspicions: which tasks were executing when workers died, and how much that tells.
//
// A task that kills its workers is there at every death. But workers also die of something else,
// and where that happens often, a task that takes long is there several times by chance. How often
// it happens is known from the deaths for which only a task that finished later could be blamed: so
// many more a task is allowed.
#pragma once

#include "messages/names.hpp"

#include <cstdint>
#include <map>

namespace satchel::scheduler {

class Suspicions {
  public:
    /// `allowed`: a task is to blame when it was executing on more dying workers than this.
    explicit Suspicions(std::uint32_t allowed) : allowed_(allowed) {}

    /// Another worker died while it was executing `task`, and nothing else if `is_alone`. The
    /// number of such deaths.
    std::uint32_t add(TaskId task, bool is_alone) {
        const auto [found, is_new] = suspects_.try_emplace(task);
        auto& suspect = found->second;
        if (is_new) suspect.unexplained_before = unexplained_;
        if (is_alone) ++suspect.deaths_alone;
        return ++suspect.deaths;
    }

    [[nodiscard]] bool is_to_blame(TaskId task) const {
        const auto found = suspects_.find(task);
        if (found == suspects_.end()) return false;
        const auto& suspect = found->second;
        return suspect.deaths > allowed_ + (unexplained_ - suspect.unexplained_before);
    }

    [[nodiscard]] bool contains(TaskId task) const { return suspects_.contains(task); }

    /// The task has finished: it can be executed without killing anybody.
    void acquit(TaskId task) {
        if (suspects_.empty()) return;
        const auto found = suspects_.find(task);
        if (found == suspects_.end()) return;
        unexplained_ += found->second.deaths_alone;
        suspects_.erase(found);
    }

    /// The task is given up.
    void forget(TaskId task) { suspects_.erase(task); }

  private:
    struct Suspect {
        std::uint32_t deaths = 0;
        std::uint32_t deaths_alone = 0;
        std::uint32_t unexplained_before = 0;
    };

    std::uint32_t allowed_;
    std::uint32_t unexplained_ = 0;  // deaths that no task has caused
    std::map<TaskId, Suspect> suspects_;
};

}  // namespace satchel::scheduler
