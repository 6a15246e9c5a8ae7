// The executors that are used where none is given, before the process's own pool: open clients.
#pragma once

#include <satchel/executor.hpp>

#include <memory>

namespace satchel::detail {

/// Makes it the default, until it is removed or a newer one is added. Thread-safe, like the others.
void add_default_executor(const std::shared_ptr<const Executor>& executor);
void remove_default_executor(const Executor& executor);

/// The one that was added last and is still there, or null.
[[nodiscard]] std::shared_ptr<const Executor> newest_default_executor();

}  // namespace satchel::detail
