// What tasks on a worker get from this_task::executor().
#pragma once

#include <satchel/executor.hpp>

#include "net/address.hpp"
#include "net/credentials.hpp"

#include <memory>

namespace satchel::cluster {

/// An executor for tasks on a worker of this cluster; called when the first of them asks for it.
[[nodiscard]] std::shared_ptr<const Executor> make_task_executor(
    const net::Address& scheduler, const net::Credentials& credentials);

}  // namespace satchel::cluster
