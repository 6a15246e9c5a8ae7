// What tasks, futures and data cost on a cluster of worker processes on this computer. Prints a
// line for each shape; cluster.py does the same with Dask.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/delayed.hpp>
#include <satchel/init.hpp>
#include <satchel/local_cluster.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <numeric>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace {

using Clock = std::chrono::steady_clock;

int inc(int x) { return x + 1; }
int add(int x, int y) { return x + y; }

template <class Work>
void measure(const char* what, int tasks, Work work) {
    const auto begin = Clock::now();
    work();
    const std::chrono::duration<double, std::micro> time = Clock::now() - begin;
    fmt::print("{:<28} {:>10.2f} us a task\n", what, time.count() / tasks);
}

void submit_window(const satchel::Client& client, int count, std::size_t window) {
    std::deque<satchel::Future<int>> open;
    for (int k = 0; k < count; ++k) {
        if (open.size() == window) {
            (void)open.front().result();
            open.pop_front();
        }
        open.push_back(client.submit(inc, k));
    }
    for (const auto& future : open) (void)future.result();
}

void reduce_tree(const satchel::Client& client, int leaves) {
    auto level = client.map(inc, std::views::iota(0, leaves));
    while (level.size() > 1) {
        std::vector<satchel::Future<int>> left, right;
        for (std::size_t k = 0; k + 1 < level.size(); k += 2) {
            left.push_back(level[k]);
            right.push_back(level[k + 1]);
        }
        level = client.map(add, left, right);
    }
    (void)level.front().result();
}

void gather_large(const satchel::Client& client) {
    const auto make = [](int) { return std::string(10'000'000, 'x'); };
    const auto futures = client.map(make, std::vector<int>(20, 0));
    (void)satchel::wait(futures);
    const auto begin = Clock::now();
    const auto size = client.gather(futures).size();
    const std::chrono::duration<double> time = Clock::now() - begin;
    fmt::print("{:<28} {:>10.2f} GB/s\n", "gather of 10 MB values",
               0.01 * static_cast<double>(size) / time.count());
}

}  // namespace

int main(int argc, char** argv) {
    satchel::init(argc, argv);
    const satchel::LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    const satchel::Client client(cluster);
    (void)client.submit(inc, 1).result();
    std::vector<int> numbers(100'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    measure("map", 100'000, [&] { (void)client.gather(client.map(inc, numbers)); });
    measure("submits, 512 in flight", 100'000, [&] { submit_window(client, 100'000, 512); });
    measure("tree", 65'535, [&] { reduce_tree(client, 32'768); });
    measure("chain", 2000, [&] {
        auto last = client.submit(inc, 0);
        for (int k = 1; k < 2000; ++k) last = client.submit(inc, last);
        (void)last.result();
    });
    measure("bag", 100'000, [&] { (void)satchel::range(100'000, 100'000).count().compute(); });
    measure("submit to result", 2000, [&] { submit_window(client, 2000, 1); });
    gather_large(client);
    return 0;
}
