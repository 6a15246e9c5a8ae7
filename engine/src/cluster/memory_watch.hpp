// MemoryWatch: what a worker does while its memory fills. A state machine: it is told what is used.
//
// A worker that begins no more tasks gets memory back when those that run have ended. When none
// runs any more, waiting is of no use: the tasks that it holds back may be all that would free
// something. So it goes on after a moment, until the next look; should that be too much, its nanny
// ends it, which tells more than a worker that waits for ever.
#pragma once

#include "process/memory_use.hpp"

#include <utility>

namespace satchel::cluster {

class MemoryWatch {
  public:
    struct Change {
        bool pauses_or_goes_on = false;
        const char* text = nullptr;  ///< what is new for people
    };

    /// `used`: the part of the limit; `is_idle`: no task is executing.
    [[nodiscard]] Change look(double used, bool is_idle) {
        is_tight_ = used > process::set_aside_at;
        if (!is_paused_) {
            if (used <= process::pause_at) return {};
            is_paused_ = true;
            idle_looks_ = 0;
            return {true, has_gone_on_anyway_ ? nullptr : "it begins no more tasks"};
        }
        if (used <= process::resume_at) {
            is_paused_ = has_gone_on_anyway_ = false;
            return {true, "it goes on"};
        }
        idle_looks_ = is_idle ? idle_looks_ + 1 : 0;
        if (idle_looks_ < patience) return {};
        is_paused_ = false;
        const bool is_new = !std::exchange(has_gone_on_anyway_, true);
        return {true, is_new ? "waiting frees none, so it goes on with a few tasks" : nullptr};
    }

    [[nodiscard]] bool is_paused() const noexcept { return is_paused_; }
    /// Whether what others have sent should not stay in memory.
    [[nodiscard]] bool is_tight() const noexcept { return is_tight_; }

    /// How many looks in a row see no task execute before it goes on anyway.
    static constexpr int patience = 5;

  private:
    bool is_paused_ = false;
    bool is_tight_ = false;
    bool has_gone_on_anyway_ = false;  // since there was memory
    int idle_looks_ = 0;
};

}  // namespace satchel::cluster
