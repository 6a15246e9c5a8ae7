// Nanny: keeps one worker process running, and knows how each one ended.
//
//     Nanny nanny(loop, {.parameters = parameters}, {
//         .started = [&](pid_t pid) { ... },
//         .ended = [&](const WorkerEnd& end) { log(end.describe()); },
//         .failed = [&](const std::string& why) { ... }});
//     nanny.start();
//     nanny.stop([&] { ... });
//
// A process that ends without being asked is replaced: at once the first time, then after pauses
// that double, until one has lived for a while. One that was killed from outside after
// `satchel::init` is replaced at once each time. One that ends before `satchel::init` when none has
// ever got that far is not replaced: it would only end again. If it was killed, or ended after
// that but before it could do what it is for, it may be chance: such are given up when there were
// five of them and none has ever come further. One for which its memory limit is too small before
// it has done anything is not replaced either.
//
// What the process writes to its standard error output is passed on, and the last lines are kept.
//
// Thread safety: everything in the thread of the loop, the callbacks too; the constructor and the
// destructor, which kills the process and waits for its end, from any thread.
#pragma once

#include <satchel/bytes.hpp>

#include "net/event_loop.hpp"
#include "process/child.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace satchel::process {

struct NannyOptions {
    Command command = {};
    Bytes parameters = {};
    std::chrono::milliseconds start_timeout{30000};  ///< to get to `satchel::init`
    std::chrono::milliseconds stop_grace{5000};      ///< between SIGTERM and SIGKILL
    std::chrono::milliseconds first_pause{100};      ///< before the second restart in a row
    std::chrono::milliseconds longest_pause{2000};
    std::chrono::milliseconds healthy_after{1000};  ///< then the next restart is the first again
    /// Bytes; a process that comes near to it is killed, and replaced. 0: none.
    std::int64_t memory_limit = 0;
    std::chrono::milliseconds memory_interval{100};  ///< between two looks at what it uses
    std::int64_t kept_lines = 20;
    bool passes_log_on = true;
};

/// How a worker process has ended.
struct WorkerEnd {
    pid_t pid = -1;
    ExitStatus status;
    bool was_ready = false;   ///< it had called `satchel::init`
    bool has_joined = false;  ///< it could do what it is for
    bool was_asked = false;   ///< by `stop` or `restart`
    bool was_late = false;    ///< killed because it did not get to `satchel::init` in time
    /// Bytes that it used when it was killed because of that, and its limit.
    std::int64_t used_memory = 0, memory_limit = 0;
    bool began_over_limit = false;  ///< it used them when it called `satchel::init`
    std::vector<std::string> last_lines;

    /// For people: how, perhaps why, and the last lines of the log.
    [[nodiscard]] std::string describe() const;
    /// Whether somebody else, or the system, ended it by a signal.
    [[nodiscard]] bool was_killed_from_outside() const;
};

struct NannyHandlers {
    std::function<void(pid_t)> started = {};  ///< it has called `satchel::init`
    std::function<void(const WorkerEnd&)> ended = {};
    std::function<void(const std::string&)> failed = {};  ///< and is not tried again
};

class Nanny {
  public:
    Nanny(net::EventLoop& loop, NannyOptions options, NannyHandlers handlers);
    Nanny(Nanny&&) noexcept;
    Nanny& operator=(Nanny&&) = delete;
    ~Nanny();

    /// Throws Error if no process can be started.
    void start();

    /// Asks the process to end, kills it if it does not, and calls `stopped` when there is none.
    void stop(std::function<void()> stopped);

    /// Ends the process as `stop` does, and starts another.
    void restart();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace satchel::process
