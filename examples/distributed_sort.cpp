// A distributed sort: numbers are divided into ranges by a sample of them, groupby brings each
// range together, and ranges are sorted on their own. Data that does not fit into memory waits in
// temporary files meanwhile; on a cluster it goes from worker to worker.
//
//     example_distributed_sort            on the threads of this computer
//     example_distributed_sort cluster    on two worker processes: the same program
//
// Output:
// 200000 numbers in 16 ranges
// in order: true
// the largest range has 14825 numbers
// least 0.000003, median 0.498752, greatest 0.999996
#include <satchel/satchel.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace {

using Range = std::pair<std::size_t, std::vector<double>>;  // its number, and what is in it

double random_number(std::int64_t k) {
    std::mt19937_64 random(static_cast<std::uint64_t>(k));
    return std::generate_canonical<double, 53>(random);
}

// The number of the range that a value lies in. It has data, but as an aggregate it travels.
struct RangeOf {
    std::vector<double> limits;
    std::size_t operator()(double x) const {
        return static_cast<std::size_t>(std::ranges::upper_bound(limits, x) - limits.begin());
    }
};

RangeOf divide(std::vector<double> sample, std::size_t ranges) {
    std::ranges::sort(sample);
    RangeOf range_of;
    for (std::size_t k = 1; k < ranges; ++k) {
        range_of.limits.push_back(sample[k * sample.size() / ranges]);
    }
    return range_of;
}

Range sorted(Range range) {
    std::ranges::sort(range.second);
    return range;
}

}  // namespace

int main(int argc, char** argv) {
    satchel::init(argc, argv);  // in a worker process this call never returns
    std::optional<satchel::LocalCluster> cluster;
    std::optional<satchel::Client> client;  // becomes the default executor
    if (argc > 1 && std::string_view(argv[1]) == "cluster") {
        cluster.emplace(satchel::LocalClusterOptions{.n_workers = 2, .threads_per_worker = 1});
        client.emplace(*cluster);
    }

    const auto numbers = satchel::range(200'000, 16).map(random_number);
    const auto range_of = divide(numbers.sample(1000, 1).compute(), 16);
    auto ranges = numbers.groupby(range_of).map(sorted).compute();

    // Ranges come in the order of their hashes.
    std::ranges::sort(ranges, {}, &Range::first);
    std::vector<double> all;
    std::size_t largest = 0;
    for (const auto& [number, range] : ranges) {
        all.insert(all.end(), range.begin(), range.end());
        largest = std::max(largest, range.size());
    }
    fmt::print("{} numbers in {} ranges\n", all.size(), ranges.size());
    fmt::print("in order: {}\n", std::ranges::is_sorted(all));
    fmt::print("the largest range has {} numbers\n", largest);
    fmt::print("least {:.6f}, median {:.6f}, greatest {:.6f}\n", all.front(), all[all.size() / 2],
               all.back());
}
