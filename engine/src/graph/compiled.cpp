// Compiles a Graph to flat arrays: expands the layers, then inverts the edges by counting.
#include "graph/compiled.hpp"

#include <satchel/error.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {

CompiledGraph::CompiledGraph(Graph graph, std::span<const TaskIndex> outputs) {
    const bool by_key = !graph.keys_.empty();
    graph.resolve_keys();
    literals = std::move(graph.literals_);
    flatten(graph);
    link();
    if (by_key) refuse_cycle(graph);
    names = std::move(graph.names_);
    for (const auto output : outputs) {
        if (output >= size()) {
            throw GraphError(
                fmt::format("output {} is not in the graph, which has {} tasks", output, size()));
        }
        tasks[output].call |= output_bit;
    }
}

void CompiledGraph::flatten(Graph& graph) {
    const auto size = graph.size_;
    calls.reserve(graph.segments_.size());
    tasks = SlotArray(size + std::size_t{1});
    const bool is_flat = graph.layers_.empty();
    if (is_flat) inputs = std::move(graph.inputs_);
    std::vector<std::uint32_t> references;
    for (std::uint32_t s = 0; s < graph.segments_.size(); ++s) {
        const auto& segment = graph.segments_[s];
        const auto end = s + 1 < graph.segments_.size() ? graph.segments_[s + 1].first : size;
        calls.push_back({graph.functions_[segment.function], segment.first, segment.first_index,
                         segment.index_step, segment.name});
        for (auto task = segment.first; task < end; ++task) {
            const auto begin =
                is_flat ? graph.input_begin_[task] : static_cast<std::uint32_t>(inputs.size());
            tasks.push_back({.inputs = begin, .call = s});
            if (is_flat) continue;
            references.clear();
            if (segment.layer == Graph::alone) {
                graph.inputs_of(task, references);
            } else {
                for (const auto& input : graph.layers_[segment.layer].inputs) {
                    input.expand(task - segment.first, references);
                }
            }
            inputs.insert(inputs.end(), references.begin(), references.end());
            if (inputs.size() > UINT32_MAX) {
                throw GraphError(fmt::format(
                    "the tasks of a graph have more than {} inputs altogether, at '{}'; make fewer "
                    "partitions, or several graphs",
                    UINT32_MAX, graph.label(task)));
            }
        }
    }
    tasks.push_back({.inputs = static_cast<std::uint32_t>(inputs.size())});
}

// Inverts the edges by counting. The counts stand in an array of their own, because walking over
// all slots once more would cost more.
void CompiledGraph::link() {
    const auto n = size();
    auto* const slots = tasks.data();
    PooledVector<std::uint32_t> next(n, 0);
    for (const auto input : inputs) {
        if (!is_literal(input)) ++next[input];
    }
    std::uint32_t edges = 0;
    for (TaskIndex task = 0; task < n; ++task) {
        slots[task].successors = edges;
        edges += std::exchange(next[task], edges);
    }
    slots[n].successors = edges;
    successors.resize(edges);
    const auto* input = inputs.data();
    for (TaskIndex task = 0; task < n; ++task) {
        std::uint32_t dependencies = 0;
        for (const auto* end = inputs.data() + slots[task + 1].inputs; input != end; ++input) {
            if (is_literal(*input)) continue;
            successors[next[*input]++] = task;
            ++dependencies;
        }
        slots[task].counter = dependencies;
        if (dependencies == 0) sources.push_back(task);
    }
}

std::string CompiledGraph::label(TaskIndex task) const {
    const auto& call = calls[tasks[task].call & ~output_bit];
    return task_label(names[call.name], call.index_step != 0,
                      call.first_index + call.index_step * (task - call.first));
}

void CompiledGraph::refuse_cycle(const Graph& graph) const {
    std::vector<std::uint32_t> waiting(size());
    for (TaskIndex task = 0; task < size(); ++task) waiting[task] = tasks[task].counter;
    auto ready = sources;
    for (std::size_t done = 0; done < ready.size(); ++done) {
        for (const auto successor : successors_of(ready[done])) {
            if (--waiting[successor] == 0) ready.push_back(successor);
        }
    }
    if (ready.size() == size()) return;

    // Every task that is left waits for another that is left: following those must come back.
    auto task = static_cast<TaskIndex>(
        std::ranges::find_if(waiting, [](auto count) { return count != 0; }) - waiting.begin());
    std::vector<TaskIndex> path;
    std::vector<bool> on_path(size(), false);
    while (!on_path[task]) {
        on_path[task] = true;
        path.push_back(task);
        task = *std::ranges::find_if(inputs_of(task), [&](std::uint32_t input) {
            return !is_literal(input) && waiting[input] != 0;
        });
    }
    std::string text = graph.label(task);
    for (auto at = path.rbegin(); at != path.rend(); ++at) {
        text += " -> " + graph.label(*at);
        if (*at == task) break;
    }
    throw GraphError(fmt::format("the graph has a cycle, so it can never finish: {}", text));
}

}  // namespace satchel::detail
