// How computations tell those who look on how far they have come: the progress bar, for one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace satchel::detail {

/// The counters of one run. The executor writes, anybody may read.
struct RunProgress {
    std::atomic<std::uint64_t> total{0};     ///< tasks
    std::atomic<std::uint64_t> finished{0};  ///< of them; may lag behind by a moment
};

/// Is told of each computation that begins and ends, in the threads that ask for its result.
class RunWatcher {
  public:
    RunWatcher() = default;
    RunWatcher(const RunWatcher&) = delete;
    RunWatcher& operator=(const RunWatcher&) = delete;
    virtual ~RunWatcher() = default;
    virtual void run_begins(std::shared_ptr<RunProgress> run) = 0;
    virtual void run_ends(const RunProgress& run) = 0;
};

void add_run_watcher(std::shared_ptr<RunWatcher> watcher);
void remove_run_watcher(const std::shared_ptr<RunWatcher>& watcher);

/// Announces a run while it lives, if there is anybody to listen and this is no task.
class WatchedRun {
  public:
    WatchedRun();
    WatchedRun(const WatchedRun&) = delete;
    WatchedRun& operator=(const WatchedRun&) = delete;
    ~WatchedRun();

    /// For RunOptions; null if nobody listens.
    [[nodiscard]] const std::shared_ptr<RunProgress>& progress() const noexcept {
        return progress_;
    }

  private:
    std::shared_ptr<RunProgress> progress_;
};

}  // namespace satchel::detail
