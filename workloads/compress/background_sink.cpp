// The queue between decoding and writing.
#include "background_sink.hpp"

#include <satchel/detail/signals_blocked.hpp>

#include <csignal>
#include <utility>

namespace satchel {
namespace {

// Enough to keep both sides busy.
constexpr std::size_t bytes_max = std::size_t{2} << 20;

}  // namespace

BackgroundSink::~BackgroundSink() {
    if (!thread_.joinable()) return;
    {
        const std::scoped_lock lock(mutex_);
        waiting_.clear();
        ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void BackgroundSink::write(const Bytes& data) {
    if (!thread_.joinable()) {
        // A broken pipe is noticed where it is written to.
        const detail::SignalsBlocked blocked({SIGPIPE});
        thread_ = std::thread([this] { run(); });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return bytes_ < bytes_max || failure_; });
    rethrow();
    waiting_.push_back(data);
    bytes_ += data.size();
    changed_.notify_all();
}

void BackgroundSink::finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return bytes_ == 0 || failure_; });
    rethrow();
}

void BackgroundSink::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const Bytes data = std::exchange(waiting_.front(), {});
        waiting_.pop_front();
        lock.unlock();
        std::exception_ptr failure;
        try {
            sink_(data);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        bytes_ -= data.size();
        if (failure) failure_ = failure;
        changed_.notify_all();
        if (failure) return;
    }
}

// REQUIRES: the lock is held.
void BackgroundSink::rethrow() {
    if (!failure_) return;
    bytes_ = 0;
    std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace satchel
