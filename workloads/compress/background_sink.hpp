// A sink that writes beside the decoding, which otherwise would wait for it where one stream is
// decoded by one thread.
#pragma once

#include <satchel/bytes.hpp>

#include "compress.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace satchel {

class BackgroundSink {
  public:
    /// `sink` must outlive it, and is called by a thread of its own.
    explicit BackgroundSink(const Sink& sink) : sink_(sink) {}
    BackgroundSink(const BackgroundSink&) = delete;
    BackgroundSink& operator=(const BackgroundSink&) = delete;

    /// Drops what has not been written, unless `finish` was called.
    ~BackgroundSink();

    /// Waits while much has not been written. Throws what the sink threw, once.
    void write(const Bytes& data);

    /// Waits until all is written. Throws what the sink threw, once.
    void finish();

  private:
    void run();
    void rethrow();

    const Sink& sink_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Bytes> waiting_;
    std::size_t bytes_ = 0;  // that wait, or are written just now
    bool ended_ = false;
    std::exception_ptr failure_;
    std::thread thread_;  // from the first block on
};

}  // namespace satchel
