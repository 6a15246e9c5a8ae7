// Statistics of many numbers, and a second look at the data that uses the first ones: which
// values lie far from the mean? The mean and the deviation go into it as they are, delayed, so all
// of this is one graph, and one run.
//
// Output:
// 200000 values from 1000000095.6 to 1000000104.4
// mean 1000000100.000, standard deviation 0.999
// 541 are more than three deviations off, the first [1000000096.9, 1000000096.3, 1000000096.7]
#include <satchel/bag.hpp>

#include <cmath>
#include <cstdint>
#include <random>

#include <fmt/ranges.h>

namespace {

// Values so far from zero that the textbook's formula for the variance, the mean of squares less
// the square of the mean, would lose all digits.
double measure(std::int64_t number) {
    std::mt19937_64 random(static_cast<std::uint64_t>(number));
    return 1e9 + std::normal_distribution<double>(100, 1)(random);
}

}  // namespace

int main() {
    const auto values = satchel::range(200'000, 16).map(measure);
    const auto mean = values.mean();
    const auto deviation = values.std();

    // Each argument after the function is a bag, a Delayed or a value. Nothing has run yet.
    const auto is_far = [](double x, double center, double scale) {
        return std::abs(x - center) > 3 * scale;
    };
    const auto far = satchel::zip(values, values.map(is_far, mean, deviation))
                         .filter([](const auto& pair) { return std::get<1>(pair); })
                         .pluck<0>();

    const auto [n, least, most, m, s, outliers] =
        satchel::compute(values.count(), values.min(), values.max(), mean, deviation, far);
    fmt::print("{} values from {:.1f} to {:.1f}\n", n, least, most);
    fmt::print("mean {:.3f}, standard deviation {:.3f}\n", m, s);
    fmt::print("{} are more than three deviations off, the first [{:.1f}, {:.1f}, {:.1f}]\n",
               outliers.size(), outliers[0], outliers[1], outliers[2]);
}
