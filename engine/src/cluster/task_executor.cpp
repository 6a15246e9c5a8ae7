// Graphs that tasks on a worker run: in their own thread.
#include "cluster/task_executor.hpp"

namespace satchel::cluster {

std::shared_ptr<const Executor> make_task_executor(const net::Address&, const net::Credentials&) {
    return std::make_shared<SynchronousExecutor>();
}

}  // namespace satchel::cluster
