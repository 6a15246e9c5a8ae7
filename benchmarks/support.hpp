// What the benchmarks share: the clock, medians, and work of a known length.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace benchmarks {

/// Seconds since some moment in the past.
inline double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// The median; of an even number, the upper one. REQUIRES: there is one.
inline double median(std::vector<double> samples) {
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

/// Does nothing for so long, without giving the processor up.
inline void spin(std::chrono::nanoseconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
    }
}

/// Keeps the compiler from leaving out what computes `x`.
template <class T>
void keep(const T& x) {
    asm volatile("" : : "r,m"(x) : "memory");
}

/// Argument `k` of the command line as a positive number, or `otherwise` if it was not given. Ends
/// the program with `usage` if it is no such number.
inline std::int64_t argument(int argc, char** argv, int k, std::int64_t otherwise,
                             std::string_view usage) {
    if (argc <= k) return otherwise;
    const std::string text = argv[k];
    const bool is_number = !text.empty() && text.size() < 10 &&
                           text.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && std::stoll(text) > 0) return std::stoll(text);
    fmt::print(stderr, "usage: {}\n", usage);
    std::exit(1);
}

}  // namespace benchmarks
