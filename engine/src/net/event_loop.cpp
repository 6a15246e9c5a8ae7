// The loop's thread, timers and watches, on Boost.Asio.
#include "base/patience.hpp"
#include "base/thread.hpp"
#include "net/event_loop_impl.hpp"

#include <future>
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
    detail::Patience patience;
    while (!is_ending) {
        // Sleeps only if there is nothing to write.
        const bool may_sleep = to_flush.empty() && after_flush.empty();
        auto ran = context.poll_one();
        if (ran == 0 && may_sleep) {
            const auto look = [&] { return (ran = context.poll_one()) > 0; };
            if (!patience.look_on(look)) ran = context.run_one();
        }
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
