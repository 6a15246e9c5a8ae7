// TaskExecutor: what tasks on a worker get from this_task::executor(): the cluster, as a client of
// it.
#pragma once

#include <satchel/executor.hpp>

#include "net/address.hpp"
#include "net/credentials.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace satchel::client {
class RemoteExecutor;
}

namespace satchel::cluster {

/// Connects when the first task asks, and anew when the connection was lost. Thread-safe.
class TaskExecutor {
  public:
    TaskExecutor(net::Address scheduler, net::Credentials credentials);
    ~TaskExecutor();
    TaskExecutor(const TaskExecutor&) = delete;
    TaskExecutor& operator=(const TaskExecutor&) = delete;

    /// Valid as long as this is. Throws ConnectionError.
    [[nodiscard]] const Executor& get();

  private:
    net::Address scheduler_;
    net::Credentials credentials_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<client::RemoteExecutor>> made_;  // tasks may still use earlier ones
};

}  // namespace satchel::cluster
