// How much memory a groupby of far more data than that takes, in a process of its own.
#include <satchel/bag.hpp>

#include "base/spill.hpp"

#include <cstdint>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

TEST_CASE("groupby of what does not fit into memory") {
    constexpr std::int64_t memory = 16 << 20;
    satchel::detail::SpillSpace::of_process().set_memory_max(memory);
    const auto text = satchel::range(3'000'000, 64).map([](std::int64_t x) {
        return fmt::format("{:0>100}", x * 7919 % 100'003);
    });
    const auto groups = text.groupby([](const std::string& digits) { return std::stoi(digits); });
    const auto sizes = groups.map([](const auto& group) { return group.second.size(); });
    const satchel::ThreadPoolExecutor threads(2);
    const auto [count, sum] = satchel::compute(threads, groups.count(), sizes.sum());
    CHECK(count == 100'003);
    CHECK(sum == 3'000'000);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(usage.ru_maxrss < 150'000);  // kB, of 300 MB
#endif
}
