// Exceptions of tasks on their way from a worker to a client: those of the standard library and of
// satchel arrive as themselves, and those that a TravellingError names; others as TaskError.
#pragma once

#include "messages/failure.hpp"

#include <exception>
#include <string>

namespace satchel::cluster {

/// What a worker tells of an exception that a task has thrown.
[[nodiscard]] Failure describe_exception(const std::exception_ptr& exception,
                                         const std::string& worker);

/// What a client throws for it. `task` is what people call the task.
[[nodiscard]] std::exception_ptr make_exception(const Failure& failure, const std::string& task);

}  // namespace satchel::cluster
