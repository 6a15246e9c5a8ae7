// WorkerMemory: looks at what the process of a worker uses, has it pause while that is too much,
// and sets aside what others have sent.
//
// Thread safety: everything in the thread of the loop, where the handlers are called, too.
#pragma once

#include "cluster/helper_thread.hpp"
#include "cluster/memory_watch.hpp"
#include "cluster/stored_value.hpp"
#include "net/event_loop.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace satchel::cluster {

struct WorkerMemoryHandlers {
    std::function<bool()> is_idle;    ///< no task is executing
    std::function<void(bool)> pause;  ///< whether no more tasks shall begin
};

class WorkerMemory {
  public:
    /// `limit`: bytes; 0: nothing is watched. `interval`: from one look to the next.
    WorkerMemory(net::EventLoop& loop, HelperThread& helper, std::int64_t limit,
                 std::chrono::milliseconds interval, WorkerMemoryHandlers handlers)
        : helper_(helper),
          limit_(limit),
          interval_(interval),
          handlers_(std::move(handlers)),
          timer_(loop) {}

    /// From now on, for the worker of this name.
    void watch(const std::string& name);
    /// Nothing that has arrived is here any more.
    void forget();
    void cancel() { timer_.cancel(); }

    /// Somebody has sent a value.
    void note_arrival(const std::shared_ptr<StoredValue>& value);
    /// Much may come between two looks: looks again, if it was much.
    void look_at_arrivals();

  private:
    void look();
    void set_aside_arrived();

    HelperThread& helper_;
    std::int64_t limit_;
    std::chrono::milliseconds interval_;
    WorkerMemoryHandlers handlers_;
    net::Timer timer_;
    std::string name_;
    MemoryWatch watch_;
    std::int64_t received_bytes_ = 0;                  // since the last look
    std::vector<std::weak_ptr<StoredValue>> arrived_;  // and not set aside
};

}  // namespace satchel::cluster
