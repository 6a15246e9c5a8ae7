// HelperThread: does, one after the other, what must not be done in the thread of a loop because it
// may run code of users: encoding, destroying and stopping.
#pragma once

#include "base/thread.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace satchel::cluster {

/// Thread-safe.
class HelperThread {
  public:
    HelperThread() : thread_(detail::thread_without_signals([this] { run(); })) {}
    HelperThread(const HelperThread&) = delete;
    HelperThread& operator=(const HelperThread&) = delete;
    ~HelperThread() { end(); }

    /// Does what is left; what comes later is left out.
    void end() {
        {
            const std::lock_guard lock(mutex_);
            is_ending_ = true;
            changed_.notify_one();
        }
        if (thread_.joinable()) thread_.join();
    }

    /// `work` must not throw.
    void post(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        if (is_ending_) return;
        work_.push_back(std::move(work));
        changed_.notify_one();
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [&] { return is_ending_ || !work_.empty(); });
            if (work_.empty()) return;
            auto batch = std::exchange(work_, {});
            lock.unlock();
            for (auto& work : batch) work();
            batch.clear();  // what it holds may be a user's, too
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void()>> work_;
    bool is_ending_ = false;
    std::thread thread_;
};

}  // namespace satchel::cluster
