// A clock that moves when everything at the present moment has been done, and numbers that look
// random and follow from a seed: with these two, a run of the simulator can be had again exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace satchel::simulation {

using Time = std::int64_t;  // nanoseconds
inline constexpr Time microsecond = 1'000, millisecond = 1'000'000;

[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t x = a ^ (b + 0x9E37'79B9'7F4A'7C15 + (a << 6) + (a >> 2));
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
}

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(mix(seed, 0x5A7C'4E1D)) {}

    /// A number from `low` to `high`, both included.
    [[nodiscard]] std::int64_t operator()(std::int64_t low, std::int64_t high) {
        state_ = mix(state_, 1);
        const auto range = static_cast<std::uint64_t>(high - low) + 1;
        return low + static_cast<std::int64_t>(state_ % range);
    }
    [[nodiscard]] std::uint32_t below(std::size_t count) {
        return static_cast<std::uint32_t>((*this)(0, static_cast<std::int64_t>(count) - 1));
    }
    [[nodiscard]] bool chance(std::int64_t per_mille) { return (*this)(1, 1000) <= per_mille; }

  private:
    std::uint64_t state_;
};

/// What is going to happen, in order; of what happens at the same time, in the order of at().
class Agenda {
  public:
    [[nodiscard]] Time now() const noexcept { return now_; }
    [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    void at(Time time, std::function<void()> action) {
        queue_.push({std::max(time, now_), next_++, std::move(action)});
    }
    void after(Time delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

    void step() {
        // The priority queue gives what it is about to drop as const only.
        auto action = std::move(const_cast<Item&>(queue_.top()).action);
        now_ = queue_.top().time;
        queue_.pop();
        ++steps_;
        action();
    }

  private:
    struct Item {
        Time time;
        std::uint64_t number;
        std::function<void()> action;

        bool operator<(const Item& other) const {
            return std::pair(time, number) > std::pair(other.time, other.number);
        }
    };

    std::priority_queue<Item> queue_;
    Time now_ = 0;
    std::uint64_t next_ = 0, steps_ = 0;
};

}  // namespace satchel::simulation
