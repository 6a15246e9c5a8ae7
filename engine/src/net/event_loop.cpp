// The loop's thread, timers and watches, on Boost.Asio.
#include "base/thread.hpp"
#include "net/event_loop_impl.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace satchel::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// So many callbacks may run before what they have sent leaves. Large enough that a burst of
// messages shares one write, small enough that the first of them does not wait for long.
constexpr int callbacks_between_flushes = 64;

// Going to sleep and being woken costs more than most messages do. So a loop that has just had
// something to do looks on for a moment first. But a thread that looks on is one that uses its
// processor, and waits for its turn where others want that, for milliseconds, while one that slept
// is woken at once. So it offers the processor at each look, and if somebody takes it, it sleeps,
// for a while without looking on at all.
class Patience {
  public:
    /// As io_context::run_one.
    std::size_t run_one(asio::io_context& context) {
        const auto start = Clock::now();
        for (auto now = start; now >= not_before_ && now - start < moment;) {
            if (const auto ran = context.poll_one(); ran > 0) {
                distrust_ = std::max(distrust_ / 2, distrust_min);
                return ran;
            }
            const auto before = std::exchange(now, after_yielding());
            if (now - before > taken) {
                not_before_ = now + distrust_;
                distrust_ = std::min(distrust_ * 2, distrust_max);
            }
        }
        return context.run_one();
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::microseconds moment{100};
    static constexpr std::chrono::microseconds taken{100};  // so long a look takes only if it waits
    static constexpr std::chrono::milliseconds distrust_min{1};
    static constexpr std::chrono::milliseconds distrust_max{250};

    static Clock::time_point after_yielding() {
        std::this_thread::yield();
        return Clock::now();
    }

    Clock::time_point not_before_{};
    std::chrono::milliseconds distrust_ = distrust_min;
};

}  // namespace

EventLoop::EventLoop() : impl_(std::make_shared<Impl>()) {
    impl_->thread = detail::thread_without_signals([impl = impl_.get()] { impl->run(); });
    impl_->id = impl_->thread.get_id();
}

EventLoop::~EventLoop() { stop(); }

void EventLoop::post(std::function<void()> work) { impl_->try_post(std::move(work)); }

void EventLoop::after_sending(std::function<void()> work) {
    impl_->after_flush.push_back(std::move(work));
}

bool EventLoop::is_this_thread() const { return impl_->id == std::this_thread::get_id(); }

void EventLoop::stop() {
    if (!impl_->thread.joinable()) return;
    post([this] {
        const std::lock_guard lock(impl_->mutex);
        impl_->is_stopped = true;
        impl_->is_ending = true;
    });
    impl_->thread.join();
    // What was posted since then, and may be waited for.
    impl_->run_posted();
}

void EventLoop::run_and_wait(const std::function<void()>& work) {
    if (is_this_thread()) return work();
    std::promise<void> done;
    const bool is_posted = impl_->try_post([&] {
        work();
        done.set_value();
    });
    if (!is_posted) return work();
    done.get_future().wait();
}

bool EventLoop::Impl::try_post(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    if (is_stopped) return false;
    posted.push_back(std::move(work));
    if (posted.size() == 1) asio::post(context, [this] { run_posted(); });
    return true;
}

void EventLoop::Impl::run() {
    const auto guard = asio::make_work_guard(context);
    Patience patience;
    while (!is_ending) {
        // Sleeps only if there is nothing to write.
        const bool may_sleep = to_flush.empty() && after_flush.empty();
        auto ran = may_sleep ? patience.run_one(context) : context.poll_one();
        for (int i = 1; ran > 0 && i < callbacks_between_flushes; ++i) ran = context.poll_one();
        flush_all();
    }
}

void EventLoop::Impl::run_posted() {
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex);
        work.swap(posted);
    }
    for (auto& function : work) function();
}

void EventLoop::Impl::flush_all() {
    auto batch = std::exchange(to_flush, {});
    for (const auto& flushable : batch) flushable->flush();
    for (const auto& work : std::exchange(after_flush, {})) work();
}

struct Timer::Impl {
    explicit Impl(EventLoop& its_loop) : loop(its_loop), timer(its_loop.impl().context) {}
    EventLoop& loop;
    asio::steady_timer timer;
    std::function<void()> when_due;
    int started = 0;  // so that an expiry on its way is known to be outdated
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}
Timer::Timer(Timer&&) noexcept = default;
Timer::~Timer() {
    if (impl_) impl_->loop.call([&] { cancel(); });
}

void Timer::start(std::chrono::nanoseconds delay, std::function<void()> when_due) {
    cancel();
    impl_->when_due = std::move(when_due);
    impl_->timer.expires_after(delay);
    impl_->timer.async_wait([impl = impl_, started = impl_->started](const error_code& error) {
        if (error || impl->started != started) return;
        // Moved out first: it may start the timer again, or destroy it.
        std::exchange(impl->when_due, nullptr)();
    });
}

void Timer::cancel() {
    ++impl_->started;
    impl_->when_due = nullptr;
    impl_->timer.cancel();
}

struct Watch::Impl : std::enable_shared_from_this<Watch::Impl> {
    Impl(EventLoop& its_loop, int fd, std::function<void()> callback)
        : loop(its_loop),
          descriptor(its_loop.impl().context, fd),
          when_readable(std::move(callback)) {}

    void wait() {
        using Descriptor = asio::posix::stream_descriptor;
        const auto on_ready = [self = shared_from_this()](const error_code& error) {
            if (error || self->is_over) return;
            self->when_readable();
            if (!self->is_over) self->wait();
        };
        descriptor.async_wait(Descriptor::wait_read, on_ready);
    }

    EventLoop& loop;
    asio::posix::stream_descriptor descriptor;
    std::function<void()> when_readable;
    bool is_over = false;
};

Watch::Watch(EventLoop& loop, int fd, std::function<void()> when_readable)
    : impl_(loop.call([&] { return std::make_shared<Impl>(loop, fd, std::move(when_readable)); })) {
    loop.call([&] { impl_->wait(); });
}
Watch::Watch(Watch&&) noexcept = default;
Watch::~Watch() {
    if (!impl_) return;
    impl_->loop.call([&] {
        impl_->is_over = true;
        impl_->descriptor.release();
    });
}

}  // namespace satchel::net
