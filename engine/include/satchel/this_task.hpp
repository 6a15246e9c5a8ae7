/// What a function can ask about the task that is calling it.
///
///     while (!satchel::this_task::stop_requested()) step();
#pragma once

#include <satchel/executor.hpp>

#include <stop_token>

namespace satchel::this_task {

/// Whether the calling thread is running a task.
[[nodiscard]] bool active() noexcept;

/// The executor that runs the calling task. Valid until the task ends.
/// Throws Error outside a task.
[[nodiscard]] const Executor& executor();

/// Whether the run was stopped, so that the task's result will not be used. False outside a task.
[[nodiscard]] bool stop_requested() noexcept;

/// A token that is stopped with the run; one that never stops outside a task.
[[nodiscard]] std::stop_token stop_token();

}  // namespace satchel::this_task
