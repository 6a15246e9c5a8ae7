// The part of EventLoop that knows Boost.Asio; only what talks to sockets includes it.
#pragma once

#include "net/event_loop.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace satchel::net {

/// What collects small messages and writes them together when the loop has nothing else to do.
class Flushable {
  public:
    Flushable() = default;
    Flushable(const Flushable&) = delete;
    Flushable& operator=(const Flushable&) = delete;
    virtual ~Flushable() = default;
    virtual void flush() = 0;
};

struct EventLoop::Impl {
    // One thread runs it; others only post.
    boost::asio::io_context context{1};
    // What has something to flush, each once; it sees to that itself.
    std::vector<std::shared_ptr<Flushable>> to_flush;
    std::vector<std::function<void()>> after_flush;

    std::mutex mutex;
    std::vector<std::function<void()>> posted;
    bool is_stopped = false;  // nothing is posted any more

    bool is_ending = false;  // seen by the loop's thread alone
    std::atomic<std::thread::id> id;
    std::thread thread;

    /// False if the loop has stopped.
    bool try_post(std::function<void()> work);
    void run();
    void run_posted();
    void flush_all();
};

}  // namespace satchel::net
