// WorkerHost: workers under nannies, for a scheduler in another process, which is told how each of
// them has ended.
#pragma once

#include "cluster/worker_process.hpp"
#include "messages/cluster_info.hpp"
#include "net/connection.hpp"
#include "process/nanny.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace satchel::cluster {

/// Everything in the thread of the loop, but for the constructor and the destructor, which kills
/// what is still there.
class WorkerHost {
  public:
    /// `ended` is called once, when there is no process any more; with the reason if something
    /// failed.
    WorkerHost(net::EventLoop& loop, WorkerParameters parameters,
               std::function<void(const std::string& failure)> ended);
    WorkerHost(const WorkerHost&) = delete;
    WorkerHost& operator=(const WorkerHost&) = delete;
    ~WorkerHost();

    /// Starts a worker. Throws Error.
    void add(const std::string& name);
    /// Asks all to end; `ended` follows.
    void stop();
    /// Whether `ended` was called.
    [[nodiscard]] bool is_over() const { return !ended_; }

  private:
    void connect();
    void connected(net::ConnectResult result);
    void tell(const FromNanny& message);
    void on_end(const std::string& name, const process::WorkerEnd& end);
    void remove(const std::string& name);
    void restart(const std::string& name);

    net::EventLoop& loop_;
    WorkerParameters parameters_;
    std::function<void(const std::string&)> ended_;
    std::map<std::string, std::unique_ptr<process::Nanny>> nannies_;
    net::Connection scheduler_;
    net::Timer timer_;  // for connecting again
    std::string failure_;
    bool is_stopping_ = false;
    std::shared_ptr<WorkerHost*> self_;  // empty once this was destroyed
};

}  // namespace satchel::cluster
