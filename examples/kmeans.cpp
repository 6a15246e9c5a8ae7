// Lloyd's k-means: an algorithm that goes over the same data again and again. The points are
// computed once and kept by persist(), in their partitions; each round is a small graph over them,
// and its result, the new centers, decides whether there is another one.
//
// Output:
// satchel.bag<map, npartitions=8>
// 6 rounds
// 66678 points around (2.00, 1.00)
// 66624 points around (7.00, 2.99)
// 66698 points around (3.01, 7.00)
#include <satchel/bag.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace {

struct Point {
    double x = 0, y = 0;
};
using Centers = std::vector<Point>;

struct Sum {
    Point total;
    std::int64_t count = 0;
};

double squared_distance(Point a, Point b) {
    return std::pow(a.x - b.x, 2) + std::pow(a.y - b.y, 2);
}

Point make_point(std::int64_t number) {
    const Centers truth{{2, 1}, {7, 3}, {3, 7}};
    const auto [x, y] = truth[static_cast<std::size_t>(number % 3)];
    std::mt19937_64 random(static_cast<std::uint64_t>(number));
    std::normal_distribution<double> off(0, 1);
    return {x + off(random), y + off(random)};
}

std::size_t nearest(Point point, const Centers& centers) {
    const auto closer = [&](Point a, Point b) {
        return squared_distance(a, point) < squared_distance(b, point);
    };
    return static_cast<std::size_t>(std::ranges::min_element(centers, closer) - centers.begin());
}

Sum add(Sum sum, Point point) {
    return {{sum.total.x + point.x, sum.total.y + point.y}, sum.count + 1};
}
Sum join(Sum a, Sum b) {
    return {{a.total.x + b.total.x, a.total.y + b.total.y}, a.count + b.count};
}

}  // namespace

int main() {
    const auto points = satchel::range(200'000, 8).map(make_point).persist();
    fmt::print("{}\n", points);

    Centers centers{{0, 0}, {1, 0}, {0, 1}};
    std::vector<std::pair<std::size_t, Sum>> groups;
    int rounds = 0;
    for (double moved = 1; moved > 1e-6; ++rounds) {
        const auto group = [&](Point point) { return nearest(point, centers); };
        groups = points.foldby(group, add, Sum{}, join).compute();
        moved = 0;
        for (const auto& [k, sum] : groups) {
            const auto n = static_cast<double>(sum.count);
            const Point center{sum.total.x / n, sum.total.y / n};
            moved = std::max(moved, squared_distance(center, std::exchange(centers[k], center)));
        }
    }

    fmt::print("{} rounds\n", rounds);
    for (const auto& [k, sum] : groups) {
        fmt::print("{} points around ({:.2f}, {:.2f})\n", sum.count, centers[k].x, centers[k].y);
    }
}
