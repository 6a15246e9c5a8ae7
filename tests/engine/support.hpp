// What the tests of the engine share: random graphs with a plain evaluator beside them, all local
// executors, and objects that count themselves.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/graph.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace satchel::testing {

/// Scrambles 64 bits: what the tasks of the tests compute.
[[nodiscard]] std::uint64_t mix(std::uint64_t x) noexcept;

/// A small generator of numbers; equal seeds, equal numbers on every platform.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    /// A number from 0 to `below` - 1.
    [[nodiscard]] std::uint32_t operator()(std::uint32_t below);

  private:
    std::uint64_t state_;
};

/// A graph described by what each task depends on, and what each task gives: a mixture of its
/// number and of what its inputs gave, in their order.
struct Dag {
    std::vector<std::vector<TaskIndex>> inputs;

    /// `size` tasks with 0 … `most_inputs` inputs each, some of them twice, near or far away.
    static Dag random(std::uint64_t seed, std::uint32_t size, std::uint32_t most_inputs);

    /// What every task gives, computed by a plain loop.
    [[nodiscard]] std::vector<std::uint64_t> values() const;
    /// The same as a graph: functions with and without state, literals, one task at a time.
    [[nodiscard]] Graph graph() const;
    /// Some of the tasks, those that nobody uses among them, in no particular order.
    [[nodiscard]] std::vector<TaskIndex> some_tasks(std::uint64_t seed) const;
};

/// 0, 1, 2, … n - 1.
[[nodiscard]] std::vector<TaskIndex> all_tasks(const Graph& graph);

/// What a run of the graph gives for `outputs`, all of them of type `T`.
template <class T>
std::vector<T> run_for(const Executor& executor, Graph graph, std::vector<TaskIndex> outputs,
                       const RunOptions& options = {}) {
    std::vector<T> results;
    for (auto& value : executor.run(std::move(graph), std::move(outputs), options)) {
        results.push_back(std::move(value).take<T>());
    }
    return results;
}

/// Calls `f` with every local executor: synchronous, and pools of 1, 2 and 7 threads. What fails
/// says on which.
void on_each_executor(const std::function<void(const Executor&)>& f);

/// The text of the exception that `f` throws; fails the test if it throws none of type `E`.
template <class E, class F>
std::string text_of(F&& f) {
    try {
        f();
    } catch (const E& error) {
        return error.what();
    }
    return "(nothing was thrown)";
}

/// Counts the objects of all copies of one original, how they came to be, and how many there were
/// at the same time.
struct Census {
    std::atomic<int> alive{0}, peak{0}, copies{0}, moves{0};
    void born() noexcept {
        const int now = ++alive;
        for (int seen = peak; seen < now && !peak.compare_exchange_weak(seen, now);) {
        }
    }
};

/// A number that reports to a Census. One that was moved from is no longer counted.
class Counted {
  public:
    Counted(Census& census, int value) : number(value), census_(&census) { census.born(); }
    Counted(const Counted& other) : number(other.number), census_(other.census_) {
        if (census_ == nullptr) return;
        ++census_->copies;
        census_->born();
    }
    Counted(Counted&& other) noexcept : number(other.number), census_(other.census_) {
        other.census_ = nullptr;
        other.number = -1;
        if (census_ != nullptr) ++census_->moves;
    }
    Counted& operator=(Counted other) noexcept {
        std::swap(number, other.number);
        std::swap(census_, other.census_);
        return *this;
    }
    ~Counted() {
        if (census_ != nullptr) --census_->alive;
    }

    int number;  ///< -1: was moved from

  private:
    Census* census_;
};

}  // namespace satchel::testing
