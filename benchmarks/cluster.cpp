// What tasks, futures and data cost on a cluster of worker processes on this computer. Prints a
// line for each shape, its name, a tabulator and the number; cluster.py does the same with Dask.
#include <satchel/bag.hpp>
#include <satchel/bytes.hpp>
#include <satchel/client.hpp>
#include <satchel/delayed.hpp>
#include <satchel/init.hpp>
#include <satchel/local_cluster.hpp>

#include "support.hpp"

#include <csignal>
#include <cstddef>
#include <deque>
#include <fstream>
#include <numeric>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

namespace {

using benchmarks::now;

constexpr int calls = 100'000;

int inc(int x) { return x + 1; }
int add(int x, int y) { return x + y; }

void print(const char* what, double value) { fmt::print("{}\t{}\n", what, value); }

// The middle one of three runs, in microseconds a task.
template <class Work>
void take_time(const char* what, int tasks, Work work) {
    std::vector<double> samples;
    for (int k = 0; k < 3; ++k) {
        const auto begin = now();
        work();
        samples.push_back((now() - begin) / tasks * 1e6);
    }
    print(what, benchmarks::median(samples));
}

// All that goes over the loopback interface meanwhile, headers included.
std::int64_t loopback_bytes() {
    std::ifstream file("/proc/net/dev");
    std::string word;
    while (file >> word && word != "lo:") {
    }
    std::int64_t bytes = 0;
    file >> bytes;
    return bytes;
}

template <class Work>
void count_bytes(const char* what, int tasks, Work work) {
    const auto before = loopback_bytes();
    work();
    print(what, static_cast<double>(loopback_bytes() - before) / tasks);
}

void run_map(const satchel::Client& client) {
    (void)client.gather(client.map(inc, std::views::iota(0, calls)));
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

void run_chain(const satchel::Client& client, int length) {
    auto last = client.submit(inc, 0);
    for (int k = 1; k < length; ++k) last = client.submit(inc, last);
    (void)last.result();
}

void run_latency(const satchel::Client& client) {
    std::vector<double> samples;
    for (int k = 0; k < 2000; ++k) {
        const auto begin = now();
        (void)client.submit(inc, k).result();
        samples.push_back((now() - begin) * 1e6);
    }
    print("submit to result", benchmarks::median(samples));
}

// `make` gives a value of 10 MB.
template <class Make>
void gather_large(const char* what, const satchel::Client& client, Make make) {
    const auto futures = client.map(make, std::vector<int>(20, 0));
    (void)satchel::wait(futures);
    std::vector<double> samples;
    for (int k = 0; k < 9; ++k) {
        const auto begin = now();
        const auto size = client.gather(futures).size();
        samples.push_back(0.01 * static_cast<double>(size) / (now() - begin));
    }
    print(what, benchmarks::median(samples));
}

// NOLINTNEXTLINE(bugprone-string-constructor, modernize-return-braced-init-list): meant to be large
std::string large() { return std::string(10'000'000, 'x'); }

void gather_large(const satchel::Client& client) {
    gather_large("gather of 10 MB values", client, [](int) { return satchel::Bytes(large()); });
    gather_large("gather of 10 MB strings", client, [](int) { return large(); });
}

using Process = std::pair<int, std::string>;

// What a worker that has died had computed is needed again.
void recover(const satchel::Client& client) {
    const auto first = [](const Process& process) { return process.first; };
    const auto future = client.submit([] { return Process(::getpid(), std::string(10'000, 'x')); });
    const auto pid = client.submit(first, future).result();
    const auto begin = now();
    ::kill(pid, SIGKILL);
    (void)client.submit(first, future).result();
    print("result after kill -9", (now() - begin) * 1e3);
}

void start_cluster() {
    const auto begin = now();
    const satchel::LocalCluster cluster({.n_workers = 4, .threads_per_worker = 1});
    print("start of 4 workers", (now() - begin) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
    satchel::init(argc, argv);
    start_cluster();
    const satchel::LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    const satchel::Client client(cluster);
    (void)client.submit(inc, 1).result();
    take_time("map", calls, [&] { run_map(client); });
    take_time("submits, 512 in flight", calls, [&] { submit_window(client, calls, 512); });
    take_time("tree", 65'535, [&] { reduce_tree(client, 32'768); });
    take_time("chain", 2000, [&] { run_chain(client, 2000); });
    take_time("bag", calls, [&] { (void)satchel::range(calls, calls).count().compute(); });
    run_latency(client);
    gather_large(client);
    count_bytes("wire, map", calls, [&] { run_map(client); });
    count_bytes("wire, submits", calls, [&] { submit_window(client, calls, 512); });
    recover(client);
    return 0;
}
