// A bag is a collection in partitions that are worked on in parallel. Its operations are lazy: they
// only describe what is wanted, and compute() or take() runs it, on all processors.
//
// Output:
// satchel.bag<filter, npartitions=8>
// the first five: [0, 9, 36, 81, 144]
// 333334 squares, the largest 999998000001
#include <satchel/bag.hpp>

#include <cstdint>

#include <fmt/ranges.h>

int main() {
    // 0, 1, 2, … in eight partitions. Nothing is stored: partitions are counted off when they run.
    const auto numbers = satchel::range(1'000'000, 8);

    // Each element passes through both functions before the next is looked at: there is no list of
    // all squares in between, and no task for each step.
    const auto squares =
        numbers.map([](std::int64_t x) { return x * x; }).filter([](std::int64_t x) {
            return x % 9 == 0;
        });
    fmt::print("{}\n", squares);

    // Reads only as much as it needs.
    fmt::print("the first five: {}\n", squares.take(5));

    // Two results in one run.
    const auto [count, largest] = satchel::compute(squares.count(), squares.max());
    fmt::print("{} squares, the largest {}\n", count, largest);
}
