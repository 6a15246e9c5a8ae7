// EventLoop: one thread that waits for sockets, timers and files, and calls back.
//
//     EventLoop loop;
//     loop.post([&] { ... });                       // soon, in the loop's thread
//     auto n = loop.call([&] { return table.size(); });   // there, too, and waits for the result
//     Timer timer(loop);
//     timer.start(5s, [&] { ... });
//
// What belongs to one loop (connections, the machines they feed) is only touched in its thread and
// needs no lock. Callbacks must neither block nor throw.
//
// Thread safety: `post`, `call` and the destructors of Timer and Watch may be called from any
// thread; after such a destructor no callback comes, nor is one running. All else happens in the
// loop's thread, or after `stop`. What uses a loop is destroyed before it.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace satchel::net {

class EventLoop {
  public:
    EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// Calls `work` in the loop's thread, after all that was posted before. Many posts share one
    /// waking of the thread. Does nothing after `stop`.
    void post(std::function<void()> work);

    /// Calls `work` in the loop's thread and waits; at once if this is that thread, or the loop has
    /// stopped. Gives what `work` gives, throws what it throws.
    template <class Work>
    auto call(Work work) -> std::invoke_result_t<Work&>;

    /// Calls `work` in this turn of the loop, when what connections have been given to send has
    /// been handed to the system. In the loop's thread.
    void after_sending(std::function<void()> work);

    [[nodiscard]] bool is_this_thread() const;

    /// Ends the thread, once it has done what was posted before. Not in the loop's thread.
    void stop();

    struct Impl;
    [[nodiscard]] Impl& impl() { return *impl_; }
    /// For who may still post after the loop is destroyed.
    [[nodiscard]] std::shared_ptr<Impl> shared_impl() { return impl_; }

  private:
    void run_and_wait(const std::function<void()>& work);

    std::shared_ptr<Impl> impl_;
};

/// Calls back once, after a time.
class Timer {
  public:
    explicit Timer(EventLoop& loop);
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) = delete;
    ~Timer();

    /// Forgets what it was started for before.
    void start(std::chrono::nanoseconds delay, std::function<void()> when_due);
    void cancel();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// Calls back whenever a file of the system can be read, or its other end is closed.
class Watch {
  public:
    /// The file stays the caller's, who destroys the watch before closing it. Reading from it does
    /// not block any more.
    Watch(EventLoop& loop, int fd, std::function<void()> when_readable);
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) = delete;
    ~Watch();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

template <class Work>
auto EventLoop::call(Work work) -> std::invoke_result_t<Work&> {
    using Result = std::invoke_result_t<Work&>;
    std::exception_ptr error;
    const auto guarded = [&](auto&& run) {
        try {
            run();
        } catch (...) {
            error = std::current_exception();
        }
    };
    if constexpr (std::is_void_v<Result>) {
        run_and_wait([&] { guarded(work); });
        if (error) std::rethrow_exception(error);
    } else {
        std::optional<Result> result;
        run_and_wait([&] { guarded([&] { result.emplace(work()); }); });
        if (error) std::rethrow_exception(error);
        return std::move(*result);
    }
}

}  // namespace satchel::net
