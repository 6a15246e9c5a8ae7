// What a task costs: satchel's Graph and Delayed beside oneTBB's flow graph and task_group and a
// plain loop, on five shapes of graphs; then what is left of two threads when tasks are short.
// README.md explains the tables.
//
//   benchmark_task_overhead [TASKS [REPETITIONS]]
#include "contestants.hpp"
#include "shapes.hpp"
#include "support.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <vector>

#include <fmt/core.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace benchmarks {
namespace {

// ---- time --------------------------------------------------------------------------------------

enum Phase : std::size_t { build, submit, finish, sum };
constexpr std::size_t phases = 4;

/// The seconds that each repetition took, by phase.
using Samples = std::array<std::vector<double>, phases>;

template <class Contestant>
std::uint32_t run_once(const Shape& shape, std::int64_t threads, Samples& samples) {
    Contestant contestant(shape, threads);
    const auto start = now();
    contestant.build();
    const auto built = now();
    contestant.submit();
    const auto submitted = now();
    const auto result = contestant.finish();
    const auto end = now();
    samples[build].push_back(built - start);
    samples[submit].push_back(submitted - built);
    samples[finish].push_back(end - submitted);
    samples[sum].push_back(end - start);
    return result;
}

/// Medians of several runs of each, which take turns. The first must be the loop: its result is
/// the right one.
template <class... Contestants>
std::array<std::array<double, phases>, sizeof...(Contestants)> race(const Shape& shape,
                                                                    std::int64_t threads,
                                                                    std::int64_t repetitions) {
    std::array<Samples, sizeof...(Contestants)> samples;
    for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
        std::size_t k = 0;
        const std::array results{run_once<Contestants>(shape, threads, samples[k++])...};
        for (const auto result : results) {
            if (result != results.front()) throw std::runtime_error("wrong result");
        }
    }
    std::array<std::array<double, phases>, sizeof...(Contestants)> medians;
    for (std::size_t k = 0; k < samples.size(); ++k) {
        for (std::size_t phase = 0; phase < phases; ++phase) {
            medians[k][phase] = median(samples[k][phase]);
        }
    }
    return medians;
}

template <template <int> class... Contestants>
void print_overhead(const std::vector<Shape>& shapes, std::int64_t threads,
                    std::int64_t repetitions) {
    constexpr std::array names{Contestants<0>::name...};
    fmt::print("\n{} thread{}: ns a task\n", threads, threads == 1 ? "" : "s");
    fmt::print("{:<12} {:<18} {:>8} {:>8} {:>8} {:>8}   {:>8} {:>8}\n", "shape", "", "build",
               "submit", "run", "sum", "run, x", "sum, x");
    for (const auto& shape : shapes) {
        const auto times = race<Contestants<0>...>(shape, threads, repetitions);
        const auto& satchel = times[1];
        for (std::size_t k = 0; k < times.size(); ++k) {
            const auto ns = [&](Phase phase) { return times[k][phase] * 1e9 / shape.size(); };
            const auto running = [](const auto& medians) {
                return medians[submit] + medians[finish];
            };
            fmt::print("{:<12} {:<18} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f}   {:>8.2f} {:>8.2f}\n",
                       k == 0 ? shape.name() : "", names[k], ns(build), ns(submit), ns(finish),
                       ns(sum), running(times[k]) / running(satchel), times[k][sum] / satchel[sum]);
        }
    }
}

// ---- memory ------------------------------------------------------------------------------------

struct Memory {
    double graph = 0;
    double peak = 0;
};

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    file >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

template <class Contestant>
Memory memory_of(const Shape& shape) {
    const auto before = resident_bytes();
    Contestant contestant(shape, 1);
    contestant.build();
    const auto built = resident_bytes();
    contestant.submit();
    keep(contestant.finish());
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto peak = static_cast<double>(usage.ru_maxrss) * 1024;
    return {(built - before) / shape.size(), (peak - before) / shape.size()};
}

/// Measures in a process of its own, so that no memory is there already.
/// REQUIRES: no thread was started yet.
template <class Contestant>
Memory memory_in_child(const Shape& shape) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe: no descriptor is left");
    malloc_trim(0);
    const auto child = fork();
    if (child < 0) throw std::runtime_error("fork: no process is left");
    Memory memory;
    if (child == 0) {
        memory = memory_of<Contestant>(shape);
        _exit(write(ends[1], &memory, sizeof memory) == sizeof memory ? 0 : 1);
    }
    close(ends[1]);
    const auto size = read(ends[0], &memory, sizeof memory);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (size != sizeof memory) throw std::runtime_error("a child ended without a result");
    return memory;
}

template <template <int> class... Contestants>
void print_memory(const std::vector<Shape>& shapes) {
    fmt::print("\nmemory, bytes a task: the graph / at most, while it is compiled and runs\n");
    fmt::print("{:<12}", "shape");
    (fmt::print(" {:>18}", Contestants<0>::name), ...);
    for (const auto& shape : shapes) {
        fmt::print("\n{:<12}", shape.name());
        const auto print = [](const Memory& memory) {
            fmt::print(" {:>10.0f} / {:>5.0f}", memory.graph, memory.peak);
        };
        (print(memory_in_child<Contestants<0>>(shape)), ...);
    }
    fmt::print("\n");
    std::fflush(stdout);
}

// ---- efficiency --------------------------------------------------------------------------------

/// For tasks of `spin_ns`: how much of two threads' time was work. The loop says what the work is.
template <int spin_ns, template <int> class... Contestants>
void print_efficiency(std::uint32_t tasks, std::int64_t repetitions) {
    constexpr std::int64_t threads = 2;
    fmt::print("\nefficiency of 2 threads with tasks of {} us, %: run alone / building included\n",
               spin_ns / 1000);
    fmt::print("{:<12}", "shape");
    (fmt::print(" {:>18}", Contestants<spin_ns>::name), ...);
    for (const auto& shape : all_shapes(tasks)) {
        if (shape.name() == "chain") continue;  // has nothing for a second thread
        const auto times =
            race<Loop<spin_ns>, Contestants<spin_ns>...>(shape, threads, repetitions);
        fmt::print("\n{:<12}", shape.name());
        for (std::size_t k = 1; k < times.size(); ++k) {
            const auto percent = [&](double seconds) {
                return 100 * times[0][sum] / (seconds * threads);
            };
            fmt::print(" {:>10.1f} / {:>5.1f}", percent(times[k][submit] + times[k][finish]),
                       percent(times[k][sum]));
        }
    }
    fmt::print("\n");
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
    using namespace benchmarks;
    constexpr auto usage = "benchmark_task_overhead [TASKS [REPETITIONS]]";
    const auto tasks = static_cast<std::uint32_t>(argument(argc, argv, 1, 1'000'000, usage));
    const auto repetitions = argument(argc, argv, 2, 5, usage);

    const auto shapes = all_shapes(tasks);
    fmt::print("{} tasks, medians of {} runs that take turns\n", tasks, repetitions);
    print_memory<SatchelGraph, SatchelDelayed, FlowGraph, TaskGroup, TaskGroupBypass>(shapes);
    for (const std::int64_t threads : {1, 2}) {
        print_overhead<Loop, SatchelGraph, SatchelDelayed, FlowGraph, TaskGroup, TaskGroupBypass>(
            shapes, threads, repetitions);
    }
    print_efficiency<1'000, SatchelGraph, SatchelDelayed, FlowGraph, TaskGroup, TaskGroupBypass>(
        tasks / 10 + 1, repetitions);
    print_efficiency<10'000, SatchelGraph, SatchelDelayed, FlowGraph, TaskGroup, TaskGroupBypass>(
        tasks / 50 + 1, repetitions);
}
