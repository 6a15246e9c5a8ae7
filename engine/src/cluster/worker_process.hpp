// A process that is a worker: what its nanny tells it, and what it does.
#pragma once

#include <satchel/bytes.hpp>

#include "base/file_descriptor.hpp"
#include "cluster/access.hpp"
#include "process/nanny.hpp"
#include "process/worker_mode.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace satchel::cluster {

struct WorkerParameters {
    detail::ClusterAccess access = {};
    std::string name = {};
    std::int64_t threads = 1;
    std::int64_t memory_limit = 0;  ///< bytes; 0: none
    std::chrono::milliseconds death_timeout{60000};

    /// For the channel to the worker: there is a secret in it.
    [[nodiscard]] Bytes write() const;
    /// Throws ArchiveError, InvalidArgument.
    [[nodiscard]] static WorkerParameters read(const Bytes& bytes);
};

/// What a worker's process that has a nanny ends with when its scheduler told it to, and when it
/// has looked for a scheduler for too long. Such codes that a task hardly ends its process with, as
/// it may with success.
inline constexpr int exit_when_told = 181;
inline constexpr int exit_when_alone = 182;

/// Whether a worker has ended because its scheduler told it to.
[[nodiscard]] inline bool was_told(const process::WorkerEnd& end) {
    return end.status.signal == 0 && end.status.code == exit_when_told;
}

/// The worker's side: runs until the scheduler, or a signal, says that it is enough. For
/// process::set_worker_main.
int worker_main(const process::WorkerStart& start);

/// Catches signals, so that they can be waited for. They are not blocked: programs that tasks start
/// would inherit that, and could not be ended by them. One at a time.
class StopSignals {
  public:
    StopSignals(std::initializer_list<int> numbers = {SIGTERM, SIGINT});
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    /// Waits for one of the signals, or for `stop`.
    void wait();
    /// From any thread.
    static void stop();

  private:
    detail::FileDescriptor end_;
    std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace satchel::cluster
