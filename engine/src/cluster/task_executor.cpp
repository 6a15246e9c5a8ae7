// Graphs that tasks on a worker run: on the cluster, as a client of it.
#include "cluster/task_executor.hpp"

#include "client/remote_executor.hpp"

namespace satchel::cluster {

std::shared_ptr<const Executor> make_task_executor(const net::Address& scheduler,
                                                   const net::Credentials& credentials) {
    return std::make_shared<client::RemoteExecutor>(scheduler, credentials);
}

}  // namespace satchel::cluster
