// Random graphs, and the executors that run them.
#include "engine/support.hpp"

#include <algorithm>
#include <utility>

#include <doctest/doctest.h>

namespace satchel::testing {

std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xFF51'AFD7'ED55'8CCD;
    x = (x ^ (x >> 33)) * 0xC4CE'B9FE'1A85'EC53;
    return x ^ (x >> 33);
}

std::uint32_t Random::operator()(std::uint32_t below) {
    state_ += 0x9E37'79B9'7F4A'7C15;
    return static_cast<std::uint32_t>((mix(state_) >> 32) * below >> 32);
}

Dag Dag::random(std::uint64_t seed, std::uint32_t size, std::uint32_t most_inputs) {
    Random random(seed);
    Dag dag;
    for (TaskIndex task = 0; task < size; ++task) {
        auto& inputs = dag.inputs.emplace_back();
        const auto count = task == 0 ? 0 : random(most_inputs + 1);
        for (std::uint32_t k = 0; k < count; ++k) {
            // Near ones make the graph deep, far ones make values live long, and some come twice.
            const auto reach = random(2) == 0 ? std::min(task, 8U) : task;
            inputs.push_back(task - 1 - random(reach));
            if (random(16) == 0) inputs.push_back(inputs.back());
        }
    }
    return dag;
}

namespace {

std::uint64_t first_of(std::uint64_t number) { return mix(number + 1); }
std::uint64_t next_of(std::uint64_t so_far, std::uint64_t input) { return mix(so_far ^ input) + 1; }

Value combine(std::uint64_t number, Arguments& arguments, std::uint32_t from) {
    auto result = first_of(number);
    for (auto k = from; k < arguments.size(); ++k) {
        result = next_of(result, arguments.get<std::uint64_t>(k));
    }
    return Value::of(result);
}

}  // namespace

std::vector<std::uint64_t> Dag::values() const {
    std::vector<std::uint64_t> values;
    for (std::size_t task = 0; task < inputs.size(); ++task) {
        auto result = first_of(task);
        for (const auto input : inputs[task]) result = next_of(result, values[input]);
        values.push_back(result);
    }
    return values;
}

Graph Dag::graph() const {
    const Function stateless([](Arguments& arguments) {
        return combine(arguments.get<std::uint64_t>(0), arguments, 1);
    });
    Graph graph;
    for (TaskIndex task = 0; task < inputs.size(); ++task) {
        if (task % 3 == 0) {
            const Function stateful(
                [task](Arguments& arguments) { return combine(task, arguments, 0); });
            (void)graph.add(stateful, inputs[task], "stateful");
        } else {
            std::vector<std::uint32_t> all{graph.literal(Value::of(std::uint64_t{task}))};
            all.insert(all.end(), inputs[task].begin(), inputs[task].end());
            (void)graph.add(stateless, all, "stateless");
        }
    }
    return graph;
}

std::vector<TaskIndex> Dag::some_tasks(std::uint64_t seed) const {
    std::vector<bool> used(inputs.size(), false);
    for (const auto& own : inputs) {
        for (const auto input : own) used[input] = true;
    }
    Random random(seed);
    std::vector<TaskIndex> tasks;
    for (TaskIndex task = 0; task < inputs.size(); ++task) {
        if (!used[task] ? random(2) == 0 : random(20) == 0) tasks.push_back(task);
    }
    for (std::uint32_t k = 0; k < tasks.size(); ++k) {
        std::swap(tasks[k], tasks[random(static_cast<std::uint32_t>(tasks.size()))]);
    }
    return tasks;
}

std::vector<TaskIndex> all_tasks(const Graph& graph) {
    std::vector<TaskIndex> tasks;
    for (TaskIndex task = 0; task < graph.size(); ++task) tasks.push_back(task);
    return tasks;
}

void on_each_executor(const std::function<void(const Executor&)>& f) {
    {
        INFO("on the synchronous executor");
        f(SynchronousExecutor{});
    }
    for (const std::int64_t threads : {1, 2, 7}) {
        INFO("on a pool of threads: ", threads);
        f(ThreadPoolExecutor{threads});
    }
}

}  // namespace satchel::testing
