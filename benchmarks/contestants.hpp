// Six ways to run a graph whose tasks add 1 to the sum of their inputs, and spin for so many
// nanoseconds. Each does it in three phases, which are timed:
//
//   build     makes its own graph from a Shape, and does not look at that again
//   submit    whatever stands between the graph and the first task
//   finish    runs it, frees everything, and gives the last task's result
//
// Threads are started by the constructor, which is not timed. Numbers are unsigned, because the
// sums of some shapes overflow.
#pragma once

#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/executor.hpp>

#include "shapes.hpp"
#include "support.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

// For TaskGroupBypass.
#define TBB_PREVIEW_TASK_GROUP_EXTENSIONS 1
#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/task_group.h>

namespace benchmarks {

template <int spin_ns>
void work() {
    if constexpr (spin_ns > 0) spin(std::chrono::nanoseconds(spin_ns));
}

/// Gives the memory of a container back.
template <class Container>
void free(Container& container) {
    container = Container();
}

/// What task `i` computes, for those that keep all results in an array.
template <int spin_ns>
void run_task(const Shape& graph, std::vector<std::uint32_t>& results, std::uint32_t i) {
    std::uint32_t sum = 1;
    for (const auto input : graph.inputs_of(i)) sum += results[input];
    work<spin_ns>();
    results[i] = sum;
}

/// One thread that calls the tasks in order, knowing that they come after their inputs: the floor.
template <int spin_ns>
class Loop {
  public:
    static constexpr const char* name = "loop, 1 thread";

    Loop(const Shape& shape, std::int64_t) : shape_(shape) {}
    void build() { results_.resize(shape_.size()); }
    void submit() {}
    std::uint32_t finish() {
        for (std::uint32_t i = 0; i < shape_.size(); ++i) run_task<spin_ns>(shape_, results_, i);
        return std::exchange(results_, {}).back();
    }

  private:
    const Shape& shape_;
    std::vector<std::uint32_t> results_;
};

template <int spin_ns>
class SatchelGraph {
  public:
    static constexpr const char* name = "satchel Graph";

    SatchelGraph(const Shape& shape, std::int64_t threads) : shape_(shape), pool_(threads) {}
    void build() {
        const satchel::Function function(Task{});
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            graph_.add(function, shape_.inputs_of(i));
        }
    }
    void submit() { run_ = pool_.submit(std::move(graph_), {shape_.size() - 1}); }
    std::uint32_t finish() {
        const auto results = run_->take();
        run_.reset();
        return results.front().get<std::uint32_t>();
    }

  private:
    struct Task {
        satchel::Value operator()(satchel::Arguments& inputs) const {
            std::uint32_t sum = 1;
            for (std::uint32_t k = 0; k < inputs.size(); ++k) sum += inputs.get<std::uint32_t>(k);
            work<spin_ns>();
            return satchel::Value::of(sum);
        }
    };

    const Shape& shape_;
    satchel::ThreadPoolExecutor pool_;
    satchel::Graph graph_;
    std::unique_ptr<satchel::Submission> run_;
};

/// The typed interface on top: each task is a handle, and computing them begins by making a Graph.
template <int spin_ns>
class SatchelDelayed {
  public:
    static constexpr const char* name = "satchel Delayed";

    SatchelDelayed(const Shape& shape, std::int64_t threads) : shape_(shape), pool_(threads) {}
    void build() {
        calls_.reserve(shape_.size());
        std::vector<bool> used(shape_.size());
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            const auto inputs = shape_.inputs_of(i);
            for (const auto input : inputs) used[input] = true;
            calls_.push_back(call(inputs));
        }
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            if (!used[i]) wanted_.push_back(calls_[i]);
        }
    }
    void submit() {}
    std::uint32_t finish() {
        const auto results = satchel::compute(pool_, wanted_);
        free(wanted_);
        free(calls_);
        return results.back();
    }

  private:
    using Call = satchel::Delayed<std::uint32_t>;
    struct Task {
        template <class... Inputs>
        std::uint32_t operator()(Inputs... inputs) const {
            work<spin_ns>();
            return (1 + ... + inputs);
        }
    };
    Call call(std::span<const std::uint32_t> inputs) const {
        const auto task = satchel::delayed(Task{});
        switch (inputs.size()) {
            case 0:
                return task();
            case 1:
                return task(calls_[inputs[0]]);
            case 2:
                return task(calls_[inputs[0]], calls_[inputs[1]]);
            default:
                return task(calls_[inputs[0]], calls_[inputs[1]], calls_[inputs[2]]);
        }
    }

    const Shape& shape_;
    satchel::ThreadPoolExecutor pool_;
    std::vector<Call> calls_;
    std::vector<Call> wanted_;  // those that no other needs
};

/// oneTBB's flow graph. Its nodes pass no values here, but leave them in an array: that is faster.
template <int spin_ns>
class FlowGraph {
  public:
    static constexpr const char* name = "oneTBB flow graph";

    FlowGraph(const Shape& shape, std::int64_t threads)
        : shape_(shape),
          limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)),
          graph_(std::make_unique<tbb::flow::graph>()) {}
    void build() {
        results_.resize(shape_.size());
        inputs_.reserve(shape_.size(), shape_.edges());
        nodes_.reserve(shape_.size());
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            inputs_.add(shape_.inputs_of(i));
            nodes_.emplace_back(*graph_, [this, i](const tbb::flow::continue_msg& message) {
                run_task<spin_ns>(inputs_, results_, i);
                return message;
            });
            for (const auto input : shape_.inputs_of(i)) {
                tbb::flow::make_edge(nodes_[input], nodes_[i]);
            }
        }
    }
    void submit() {
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            if (inputs_.inputs_of(i).empty()) nodes_[i].try_put({});
        }
    }
    std::uint32_t finish() {
        graph_->wait_for_all();
        inputs_ = Shape("");
        free(nodes_);
        graph_.reset();
        return std::exchange(results_, {}).back();
    }

  private:
    using Node = tbb::flow::continue_node<tbb::flow::continue_msg>;

    const Shape& shape_;
    tbb::global_control limit_;
    std::unique_ptr<tbb::flow::graph> graph_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> results_;
    Shape inputs_{""};
};

/// oneTBB's task_group, with the counters and successor lists that a graph needs written by hand.
/// With `bypass`, a task hands the first successor that is ready to its thread instead of to the
/// group, which saves a queue; in this oneTBB that is a preview, which a macro has to turn on.
template <int spin_ns, bool bypass>
class TaskGroupOf {
  public:
    static constexpr const char* name = bypass ? "oneTBB, bypass" : "oneTBB task_group";

    TaskGroupOf(const Shape& shape, std::int64_t threads)
        : shape_(shape),
          limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)) {}
    void build() {
        results_.resize(shape_.size());
        inputs_.reserve(shape_.size(), shape_.edges());
        missing_ = std::vector<std::atomic<std::uint32_t>>(shape_.size());
        begin_.resize(shape_.size() + std::size_t{1});
        successors_.resize(shape_.edges());
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            const auto inputs = shape_.inputs_of(i);
            inputs_.add(inputs);
            missing_[i].store(static_cast<std::uint32_t>(inputs.size()), std::memory_order_relaxed);
            for (const auto input : inputs) ++begin_[input];
        }
        std::uint32_t edges = 0;
        for (auto& begin : begin_) edges = begin += edges;
        for (auto i = shape_.size(); i-- > 0;) {
            for (const auto input : inputs_.inputs_of(i)) successors_[--begin_[input]] = i;
        }
    }
    void submit() {
        for (std::uint32_t i = 0; i < shape_.size(); ++i) {
            if (inputs_.inputs_of(i).empty()) group_.run(call(i));
        }
    }
    std::uint32_t finish() {
        group_.wait();
        inputs_ = Shape("");
        free(missing_);
        free(begin_);
        free(successors_);
        return std::exchange(results_, {}).back();
    }

  private:
    // What the group calls for task `i`.
    auto call(std::uint32_t i) {
        return [this, i] {
            if constexpr (bypass) {
                return run_to_next(i);
            } else {
                run(i);
            }
        };
    }

    void run(std::uint32_t i) {
        run_task<spin_ns>(inputs_, results_, i);
        for_each_ready(i, [this](std::uint32_t successor) { group_.run(call(successor)); });
    }

    tbb::task_handle run_to_next(std::uint32_t i) {
        run_task<spin_ns>(inputs_, results_, i);
        tbb::task_handle next;
        for_each_ready(i, [&](std::uint32_t successor) {
            auto task = group_.defer(call(successor));
            if (next) {
                group_.run(std::move(task));
            } else {
                next = std::move(task);
            }
        });
        return next;
    }

    template <class F>
    void for_each_ready(std::uint32_t i, F&& f) {
        for (auto k = begin_[i]; k < begin_[i + 1]; ++k) {
            const auto successor = successors_[k];
            if (missing_[successor].fetch_sub(1, std::memory_order_acq_rel) == 1) f(successor);
        }
    }

    const Shape& shape_;
    tbb::global_control limit_;
    tbb::task_group group_;
    std::vector<std::uint32_t> results_;
    Shape inputs_{""};
    std::vector<std::atomic<std::uint32_t>> missing_;
    std::vector<std::uint32_t> begin_;
    std::vector<std::uint32_t> successors_;
};

template <int spin_ns>
using TaskGroup = TaskGroupOf<spin_ns, false>;
template <int spin_ns>
using TaskGroupBypass = TaskGroupOf<spin_ns, true>;

}  // namespace benchmarks
