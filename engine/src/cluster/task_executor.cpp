// Graphs that tasks on a worker run.
#include "cluster/task_executor.hpp"

#include "client/remote_executor.hpp"

#include <utility>

namespace satchel::cluster {

TaskExecutor::TaskExecutor(net::Address scheduler, net::Credentials credentials)
    : scheduler_(std::move(scheduler)), credentials_(std::move(credentials)) {}
TaskExecutor::~TaskExecutor() = default;

const Executor& TaskExecutor::get() {
    const std::lock_guard lock(mutex_);
    if (made_.empty() || !made_.back()->session()->is_open()) {
        made_.push_back(
            std::make_unique<client::RemoteExecutor>(scheduler_, credentials_, net::Role::task));
    }
    return *made_.back();
}

}  // namespace satchel::cluster
