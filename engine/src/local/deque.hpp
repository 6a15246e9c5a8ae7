// Deque: the ready tasks of one thread. Its owner pushes and pops at the bottom, others steal from
// the top.
//
// The algorithm is that of Chase and Lev, "Dynamic Circular Work-Stealing Deque" (SPAA 2005), with
// sequentially consistent operations on both ends where Lê et al., "Correct and Efficient
// Work-Stealing for Weak Memory Models" (PPoPP 2013) use fences, which ThreadSanitizer does not
// know.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace satchel::detail {

class Deque {
  public:
    /// By the owner only.
    void push(std::uint32_t task) {
        const auto bottom = bottom_.load(std::memory_order_relaxed);
        const auto top = top_.load(std::memory_order_acquire);
        auto* ring = ring_.load(std::memory_order_relaxed);
        if (ring == nullptr || bottom - top >= ring->size()) ring = grow(top, bottom);
        ring->at(bottom).store(task, std::memory_order_relaxed);
        bottom_.store(bottom + 1, std::memory_order_release);
    }

    /// The task that was pushed last. By the owner only.
    std::optional<std::uint32_t> pop() {
        const auto bottom = bottom_.load(std::memory_order_relaxed) - 1;
        if (top_.load(std::memory_order_relaxed) > bottom) return std::nullopt;
        bottom_.store(bottom, std::memory_order_seq_cst);
        auto top = top_.load(std::memory_order_seq_cst);
        if (top < bottom) {
            return ring_.load(std::memory_order_relaxed)
                ->at(bottom)
                .load(std::memory_order_relaxed);
        }
        std::optional<std::uint32_t> task;
        if (top == bottom) {  // the last one: whoever moves `top` has it
            task =
                ring_.load(std::memory_order_relaxed)->at(bottom).load(std::memory_order_relaxed);
            if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst))
                task.reset();
        }
        bottom_.store(bottom + 1, std::memory_order_relaxed);
        return task;
    }

    /// The task that was pushed first; nothing if there is none or another thread was quicker.
    std::optional<std::uint32_t> steal() {
        auto top = top_.load(std::memory_order_seq_cst);
        if (top >= bottom_.load(std::memory_order_seq_cst)) return std::nullopt;
        const auto task =
            ring_.load(std::memory_order_acquire)->at(top).load(std::memory_order_relaxed);
        if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst))
            return std::nullopt;
        return task;
    }

    /// How many there were a moment ago.
    [[nodiscard]] std::int64_t size() const noexcept {
        return bottom_.load(std::memory_order_relaxed) - top_.load(std::memory_order_relaxed);
    }

  private:
    // A power-of-two array of slots. Thieves may read a ring that was outgrown, so all are kept.
    class Ring {
      public:
        explicit Ring(std::int64_t size)
            : mask_(size - 1),
              slots_(new std::atomic<std::uint32_t>[static_cast<std::size_t>(size)]) {}
        [[nodiscard]] std::int64_t size() const noexcept { return mask_ + 1; }
        std::atomic<std::uint32_t>& at(std::int64_t i) noexcept {
            return slots_[static_cast<std::size_t>(i & mask_)];
        }

      private:
        std::int64_t mask_;
        std::unique_ptr<std::atomic<std::uint32_t>[]> slots_;
    };

    Ring* grow(std::int64_t top, std::int64_t bottom) {
        constexpr std::int64_t first_size = 64;
        auto* old = ring_.load(std::memory_order_relaxed);
        auto larger = std::make_unique<Ring>(old == nullptr ? first_size : 2 * old->size());
        for (auto i = top; i < bottom; ++i) {
            larger->at(i).store(old->at(i).load(std::memory_order_relaxed),
                                std::memory_order_relaxed);
        }
        rings_.push_back(std::move(larger));
        ring_.store(rings_.back().get(), std::memory_order_release);
        return rings_.back().get();
    }

    alignas(64) std::atomic<std::int64_t> top_{0};
    alignas(64) std::atomic<std::int64_t> bottom_{0};
    std::atomic<Ring*> ring_{nullptr};
    std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace satchel::detail
