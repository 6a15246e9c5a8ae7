// What runs the task that the calling thread is in: behind satchel::this_task.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/this_task.hpp>

#include <functional>
#include <stop_token>
#include <utility>

namespace satchel::detail {

class TaskContext {
  public:
    TaskContext() = default;
    TaskContext(const TaskContext&) = delete;
    TaskContext& operator=(const TaskContext&) = delete;
    virtual ~TaskContext() = default;

    [[nodiscard]] virtual const Executor& executor() const = 0;
    [[nodiscard]] virtual bool stopped() const noexcept = 0;
    [[nodiscard]] virtual std::stop_token stop_token() = 0;

    /// The task begins to wait for what others compute, and needs no thread until `end_wait`, which
    /// returns when it may go on.
    virtual void begin_wait() {}
    virtual void end_wait() {}

    /// That of the innermost task that the calling thread is in, or null.
    [[nodiscard]] static TaskContext* current() noexcept;

    /// While it lives, the calling thread is in a task of `context`. They nest.
    class Scope {
      public:
        explicit Scope(TaskContext& context) noexcept;
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        ~Scope();

      private:
        TaskContext* outer_;
    };
};

/// While it lives, the calling thread waits for others to compute something. A task that does gives
/// its place to another one, so that tasks that wait for tasks do not fill a cluster.
class WaitInTask {
  public:
    WaitInTask() : context_(TaskContext::current()) {
        if (context_ != nullptr) context_->begin_wait();
    }
    WaitInTask(const WaitInTask&) = delete;
    WaitInTask& operator=(const WaitInTask&) = delete;
    ~WaitInTask() {
        if (context_ != nullptr) context_->end_wait();
    }

  private:
    TaskContext* context_;
};

/// While it lives, `stop` is called when a run is to be stopped: by its token, or together with the
/// run of the task that submits it, which is the one that the constructor is called in. May call
/// twice.
class OnStop {
  public:
    OnStop(const std::stop_token& token, std::function<void()> stop)
        : stop_(std::move(stop)),
          by_token_(token, std::cref(stop_)),
          with_submitter_(this_task::stop_token(), std::cref(stop_)) {}
    OnStop(const OnStop&) = delete;
    OnStop& operator=(const OnStop&) = delete;
    ~OnStop() = default;

  private:
    using Callback = std::stop_callback<std::reference_wrapper<const std::function<void()>>>;

    std::function<void()> stop_;
    Callback by_token_;
    Callback with_submitter_;
};

}  // namespace satchel::detail
