// Anything that can be called can be a task. This one is a function object, because it has a
// parameter; it takes a std::stop_token, because it may run for long and should end when its result
// is not needed any more; and what it throws comes back from compute() as it was thrown.
//
// Output:
// below one million, 837799 takes the most steps: 524
// gave up: 27 is not at 1 after 100 steps
#include <satchel/bag.hpp>

#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include <fmt/core.h>

namespace {

/// (start, steps) of the Collatz sequence: halve even numbers, else triple and add one, until 1.
struct Collatz {
    std::int64_t steps_max;

    // The function is called as const or copied for each partition, so tasks share nothing.
    std::pair<std::int64_t, std::int64_t> operator()(std::int64_t start,
                                                     const std::stop_token& stop) const {
        std::int64_t steps = 0;
        for (auto x = start; x > 1 && !stop.stop_requested(); ++steps) {
            if (steps == steps_max) {
                throw std::range_error(
                    fmt::format("{} is not at 1 after {} steps", start, steps_max));
            }
            x = x % 2 == 0 ? x / 2 : 3 * x + 1;
        }
        return {start, steps};
    }
};

std::int64_t steps_of(const std::pair<std::int64_t, std::int64_t>& result) { return result.second; }

}  // namespace

int main() {
    const auto most = satchel::range(1'000'000, 16).map(Collatz{1000}).topk(1, steps_of).compute();
    const auto [start, steps] = most.front();
    fmt::print("below one million, {} takes the most steps: {}\n", start, steps);

    try {
        (void)satchel::range(28, 4).map(Collatz{100}).compute();
    } catch (const std::range_error& error) {
        fmt::print("gave up: {}\n", error.what());
    }
}
