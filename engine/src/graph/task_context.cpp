// Which task the calling thread is in.
#include "graph/task_context.hpp"

#include <satchel/error.hpp>
#include <satchel/this_task.hpp>

namespace satchel {
namespace detail {
namespace {

thread_local TaskContext* innermost = nullptr;

}  // namespace

TaskContext* TaskContext::current() noexcept { return innermost; }

TaskContext::Scope::Scope(TaskContext& context) noexcept
    : outer_(std::exchange(innermost, &context)) {}
TaskContext::Scope::~Scope() { innermost = outer_; }

}  // namespace detail

namespace this_task {

bool active() noexcept { return detail::TaskContext::current() != nullptr; }

const Executor& executor() {
    if (const auto* context = detail::TaskContext::current()) return context->executor();
    throw Error("this_task::executor() was called outside a task, where there is no executor");
}

bool stop_requested() noexcept {
    const auto* context = detail::TaskContext::current();
    return context != nullptr && context->stopped();
}

std::stop_token stop_token() {
    auto* context = detail::TaskContext::current();
    return context == nullptr ? std::stop_token() : context->stop_token();
}

}  // namespace this_task
}  // namespace satchel
