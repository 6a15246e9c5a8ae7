// A delayed call is one that is not made yet; calls that take the results of others make a graph:
//
//             ┌─ average ─┐
//     load ───┤           ├─── report
//             └─ spread ──┘
//
// compute() runs what is needed, the two in the middle at the same time, and shared work once.
//
// Output:
// load
// average 5.0, spread 6.0
#include <satchel/delayed.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace {

std::vector<double> load() {
    fmt::print("load\n");
    return {4, 8, 2, 6};
}

// Both get the same vector by reference; neither may change it.
double average(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}
double spread(const std::vector<double>& values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return *most - *least;
}

std::string report(double average, double spread) {
    return fmt::format("average {:.1f}, spread {:.1f}", average, spread);
}

}  // namespace

int main() {
    const auto values = satchel::delayed(load)();
    const auto result = satchel::delayed(report)(satchel::delayed(average)(values),
                                                 satchel::delayed(spread)(values));
    fmt::print("{}\n", result.compute());
}
