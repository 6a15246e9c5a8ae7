// WorkerServer: feeds a worker's machine from its connection to the scheduler, makes the calls in
// threads of its own, keeps their results and gives them to who asks.
//
//     WorkerServer worker(loop, {.scheduler = address, .credentials = credentials,
//                                .name = "w0", .threads = 2,
//                                .ended = [&](const WorkerServerEnd& end) { ... }});
//
// The thread of the loop runs no code of users: decoding, calling, encoding and destroying of
// values are for the task threads and a helper.
//
// A worker that loses its scheduler forgets all that it has and connects again, as a new worker; it
// ends when that does not succeed for `death_timeout`, or when the scheduler says goodbye.
//
// Thread safety: everything may be called from any thread; `joined` and `ended` are called in the
// loop's.
#pragma once

#include <satchel/executor.hpp>

#include "net/connection.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace satchel::cluster {

/// Why a worker is of no more use.
struct WorkerServerEnd {
    std::string reason;
    bool planned = true;  ///< not because the scheduler could not be reached
};

struct WorkerServerOptions {
    net::Address scheduler = {};
    net::Credentials credentials = {};
    std::string name = {};
    std::int64_t threads = 1;
    std::int64_t memory_limit = 0;                   ///< bytes; 0: none
    std::chrono::milliseconds memory_interval{100};  ///< from one look at the memory to the next
    /// Whether this worker is all of its process, so that the memory that this uses is what counts,
    /// and tasks run in threads like those of any program.
    bool is_whole_process = false;
    /// Where others get results from.
    net::Address listen = {net::Address::Scheme::tcp, "127.0.0.1", 0};
    std::chrono::milliseconds death_timeout{60000};
    /// Called each time when a scheduler has taken it in.
    std::function<void()> joined = {};
    /// Called once, when this worker is of no more use; not if it is destroyed before.
    std::function<void(const WorkerServerEnd&)> ended = {};
};

class WorkerServer {
  public:
    /// Begins to connect. Throws ConnectionError if it cannot listen.
    WorkerServer(net::EventLoop& loop, WorkerServerOptions options);
    WorkerServer(WorkerServer&&) noexcept;
    WorkerServer& operator=(WorkerServer&&) = delete;
    /// Says goodbye to the scheduler, asks the tasks that run to stop, and waits for them. Not in
    /// the thread of the loop.
    ~WorkerServer();

    /// Says goodbye alone, for a process that is about to end.
    void say_goodbye();
    /// Whether a task runs; if so, the destructor waits for it.
    [[nodiscard]] bool is_busy() const;

  private:
    class Impl;
    net::EventLoop* loop_;
    std::shared_ptr<Impl> impl_;
};

}  // namespace satchel::cluster
