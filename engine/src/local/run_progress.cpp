// Who looks on, and telling them.
#include <satchel/detail/run_progress.hpp>
#include <satchel/this_task.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

namespace satchel::detail {
namespace {

class Watchers {
  public:
    void add(std::shared_ptr<RunWatcher> watcher) {
        const std::lock_guard lock(mutex_);
        watchers_.push_back(std::move(watcher));
    }
    void remove(const std::shared_ptr<RunWatcher>& watcher) {
        const std::lock_guard lock(mutex_);
        std::erase(watchers_, watcher);
    }
    [[nodiscard]] std::vector<std::shared_ptr<RunWatcher>> all() {
        const std::lock_guard lock(mutex_);
        return watchers_;
    }

  private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<RunWatcher>> watchers_;
};

Watchers& watchers() {
    static Watchers instance;
    return instance;
}

}  // namespace

void add_run_watcher(std::shared_ptr<RunWatcher> watcher) { watchers().add(std::move(watcher)); }
void remove_run_watcher(const std::shared_ptr<RunWatcher>& watcher) { watchers().remove(watcher); }

WatchedRun::WatchedRun() {
    if (this_task::active()) return;
    for (const auto& watcher : watchers().all()) {
        if (!progress_) progress_ = std::make_shared<RunProgress>();
        watcher->run_begins(progress_);
    }
}

WatchedRun::~WatchedRun() {
    if (!progress_) return;
    for (const auto& watcher : watchers().all()) watcher->run_ends(*progress_);
}

}  // namespace satchel::detail
