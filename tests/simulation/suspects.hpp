// Which tasks may be blamed for the deaths of workers: worked out from what the workers have begun,
// and not from what they have said.
#pragma once

#include <satchel/graph.hpp>

#include "messages/names.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace satchel::simulation {

class Suspects {
  public:
    /// So many workers may die of a task before it is given up.
    static constexpr std::uint32_t deaths_allowed = 3;

    /// A worker has begun a task.
    void begins(WorkerRef worker, const Key& key) { begun_[worker].insert(key); }

    /// A worker has died: of something that it had begun, as far as anybody knows, or of nothing.
    void died(WorkerRef worker) {
        for (const auto& key : take_begun(worker)) ++deaths_[key];
    }
    /// A worker has died, and the scheduler holds it against `suspects`. If that is `certain`, it
    /// has died of nothing else.
    void died(WorkerRef worker, std::span<const Key> suspects, bool certain) {
        auto possible = take_begun(worker);
        if (certain) possible.clear();
        possible.insert(suspects.begin(), suspects.end());
        for (const auto& key : possible) ++deaths_[key];
        suspects_.insert(suspects.begin(), suspects.end());
    }

    /// A task has finished on a worker.
    void finishes(WorkerRef worker, const Key& key) {
        begun_[worker].erase(key);
        acquit(key);
    }
    /// The deaths so far are not held against a task any more.
    void acquit(const Key& key) {
        deaths_.erase(key);
        suspects_.erase(key);
    }
    /// Another death may be expected of a task no more, for it is given up.
    template <class IsGivenUp>
    void remove_if(IsGivenUp&& is_given_up) {
        std::erase_if(suspects_, is_given_up);
    }

    [[nodiscard]] bool may_be_blamed(const Key& key) const {
        const auto found = deaths_.find(key);
        return found != deaths_.end() && found->second > deaths_allowed;
    }
    /// Whether the task is certain to have been there when a worker died.
    [[nodiscard]] bool contains(const Key& key) const { return suspects_.contains(key); }

  private:
    std::set<Key> take_begun(WorkerRef worker) {
        const auto found = begun_.extract(worker);
        return found.empty() ? std::set<Key>{} : std::move(found.mapped());
    }

    std::map<WorkerRef, std::set<Key>> begun_;
    std::map<Key, std::uint32_t> deaths_;  // that it may have caused since it finished last
    std::set<Key> suspects_;
};

}  // namespace satchel::simulation
