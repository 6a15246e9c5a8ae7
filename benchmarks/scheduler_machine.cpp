// What deciding costs: the scheduler's and four workers' machines handing messages to each other
// directly, so that nothing is measured but their own work. Printed are tasks a second and the
// bytes that the scheduler allocates for a task that is known and wanted.
#include "scheduler/scheduler.hpp"
#include "support.hpp"
#include "worker/worker.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <malloc.h>

namespace {

using namespace satchel;

constexpr int workers = 4;
constexpr std::uint32_t threads = 2;
constexpr std::uint32_t in_flight = 512;

// A client, a scheduler and workers without a network. Calls return at once.
class Cluster {
  public:
    Cluster() : client_(scheduler_.add_client()) {
        for (int k = 0; k < workers; ++k) {
            const auto ref = scheduler_.add_worker({fmt::format("w{}", k), "", threads, 0}, 0);
            nodes_.emplace(ref, worker::Worker({.threads = threads}));
        }
        go_on();
    }

    void submit(UpdateGraph graph) { scheduler_.handle(client_, std::move(graph), 0); }
    void release(const KeyRange& keys) { scheduler_.handle(client_, ReleaseKeys{{keys}}, 0); }

    /// Hands messages to and fro until there are none. Returns how many results came.
    std::size_t go_on() {
        std::size_t results = 0;
        for (bool busy = true; busy;) {
            const auto out = scheduler_.take();
            busy = !out.workers.empty() || !out.clients.empty();
            for (const auto& batch : out.workers) nodes_.at(batch.to).handle(batch);
            for (const auto& batch : out.clients) {
                for (const auto& message : batch.messages) {
                    const auto* ready = std::get_if<KeysInMemory>(&message);
                    results += ready == nullptr ? 0 : ready->keys.size();
                }
            }
            for (auto& [ref, node] : nodes_) run(ref, node);
        }
        return results;
    }

  private:
    void run(WorkerRef ref, worker::Worker& node) {
        for (bool busy = true; busy;) {
            const auto out = node.take();
            busy = !out.fetches.empty() || !out.executes.empty();
            for (const auto& message : out.messages) scheduler_.handle(ref, message, 0);
            for (const auto& fetch : out.fetches) {
                std::vector<worker::Worker::Fetched> items;
                for (const auto task : fetch.tasks) items.push_back({task, true, 8});
                node.fetched(fetch.number, items);
            }
            for (const auto& execute : out.executes) {
                for (const auto& call : execute.calls) {
                    node.finished({call.task, 8, 1'000, call.wanted, {}});
                }
            }
        }
    }

    scheduler::Scheduler scheduler_;
    ClientId client_;
    std::map<WorkerRef, worker::Worker> nodes_;
};

LayerSpec layer(std::uint64_t number, std::uint32_t count, std::vector<Input> inputs = {}) {
    return {.token = {1, number},
            .name = "f",
            .count = count,
            .function = Bytes::copy_of("sixteen bytes: f"),
            .literals = {},
            .inputs = std::move(inputs)};
}

// One layer.
UpdateGraph map(std::uint32_t n) { return {{}, {layer(1, n)}, {{{1, 1}, 0, n}}}; }

// A layer and a reduction of it, two by two; n tasks in all.
UpdateGraph tree(std::uint32_t n) {
    UpdateGraph graph;
    std::uint32_t first = 0, width = (n + 1) / 2;
    for (std::uint64_t number = 1;; ++number) {
        graph.layers.push_back(layer(number, width));
        if (number > 1) {
            const auto below = graph.layers[number - 2].count;
            graph.layers.back().inputs = {Input::block(first - below, below, 2)};
        }
        if (width == 1) break;
        first += width;
        width = (width + 1) / 2;
    }
    graph.wanted = {{graph.layers.back().token, 0, 1}};
    return graph;
}

// Each task depends on the one before it.
UpdateGraph chain(std::uint32_t n) {
    return {{}, {layer(1, n, {Input::shift(0, n, 1)})}, {{{1, 1}, n - 1, 1}}};
}

struct Row {
    std::string name;
    double seconds, bytes;
};

std::size_t allocated() {
    const auto now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

Row run_graph(const std::string& name, const UpdateGraph& graph, std::uint32_t n) {
    // Bytes are counted where there is nobody to compute anything.
    double bytes = 0;
    {
        scheduler::Scheduler alone;
        const auto client = alone.add_client();
        const auto before = allocated();
        alone.handle(client, UpdateGraph(graph), 0);
        bytes = static_cast<double>(allocated() - before) / n;
    }
    Cluster cluster;
    const auto begin = benchmarks::now();
    cluster.submit(graph);
    (void)cluster.go_on();
    return {name, benchmarks::now() - begin, bytes};
}

// Tasks that are asked for one by one, and released when they are there.
Row run_submits(std::uint32_t n) {
    const auto single = [](std::uint32_t k) {
        return UpdateGraph{{}, {layer(k + 1, 1)}, {{{1, k + std::uint64_t{1}}, 0, 1}}};
    };
    double bytes = 0;
    {
        scheduler::Scheduler alone;
        const auto client = alone.add_client();
        const auto before = allocated();
        for (std::uint32_t k = 0; k < n; ++k) alone.handle(client, single(k), 0);
        bytes = static_cast<double>(allocated() - before) / n;
    }
    Cluster cluster;
    const auto begin = benchmarks::now();
    std::uint32_t done = 0;
    for (std::uint32_t k = 0; done < n;) {
        for (; k < n && k - done < in_flight; ++k) cluster.submit(single(k));
        const auto results = static_cast<std::uint32_t>(cluster.go_on());
        for (std::uint32_t r = 0; r < results; ++r) {
            cluster.release({{1, done + r + std::uint64_t{1}}, 0, 1});
        }
        done += results;
    }
    return {"submits", benchmarks::now() - begin, bytes};
}

}  // namespace

int main(int argc, char** argv) {
    const auto n = static_cast<std::uint32_t>(benchmarks::argument(
        argc, argv, 1, 100'000, "benchmark_scheduler_machine [TASKS [REPETITIONS]]"));
    const auto repetitions = benchmarks::argument(argc, argv, 2, 5, "REPETITIONS is a number");
    const std::vector<std::function<Row()>> runs = {
        [&] { return run_graph("map", map(n), n); }, [&] { return run_graph("tree", tree(n), n); },
        [&] { return run_graph("chain", chain(n), n); }, [&] { return run_submits(n); }};
    fmt::print("{:10} {:>12} {:>14} {:>14}\n", "graph", "ns a task", "tasks/s", "bytes a task");
    for (const auto& run : runs) {
        std::vector<double> seconds;
        Row row;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            row = run();
            seconds.push_back(row.seconds);
        }
        const auto median = benchmarks::median(seconds);
        fmt::print("{:10} {:12.0f} {:14.0f} {:14.0f}\n", row.name, median / n * 1e9, n / median,
                   row.bytes);
    }
}
