// Patience: looking on for a moment before a thread goes to sleep.
//
// Going to sleep and being woken costs more than most messages do, so a thread that has just had
// something to do looks on first. But a thread that looks on is one that uses its processor, and
// where others want that it waits for its turn, for milliseconds, while one that slept is woken at
// once. So it offers the processor at each look, and if somebody takes it, it sleeps, for a while
// without looking on at all.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace satchel::detail {

/// Belongs to one thread.
class Patience {
  public:
    /// Calls `look` until it returns true, or it is time to sleep: then false.
    template <class Look>
    [[nodiscard]] bool look_on(Look&& look) {
        const auto start = Clock::now();
        for (auto now = start; now >= not_before_ && now - start < moment;) {
            if (look()) {
                distrust_ = std::max(distrust_ / 2, distrust_min);
                return true;
            }
            std::this_thread::yield();
            const auto before = std::exchange(now, Clock::now());
            if (now - before > taken) {
                not_before_ = now + distrust_;
                distrust_ = std::min(distrust_ * 2, distrust_max);
            }
        }
        return false;
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::microseconds moment{100};
    static constexpr std::chrono::microseconds taken{100};  // a look is so long only if it waits
    static constexpr std::chrono::milliseconds distrust_min{1};
    static constexpr std::chrono::milliseconds distrust_max{250};  // after being wrong repeatedly

    Clock::time_point not_before_{};
    std::chrono::milliseconds distrust_ = distrust_min;
};

}  // namespace satchel::detail
