// Compiles a Graph to flat arrays: expands the layers, then inverts the edges by counting.
#include "graph/compiled.hpp"

#include <satchel/error.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace satchel::detail {

CompiledGraph::CompiledGraph(Graph graph, std::span<const TaskIndex> outputs) {
    const bool by_key = !graph.unresolved_.empty();
    graph.resolve_keys();
    literals = std::move(graph.literals_);
    flatten(graph);
    link();
    if (by_key) refuse_cycle(graph);
    for (const auto output : outputs) {
        if (output >= size()) {
            throw GraphError(
                fmt::format("output {} is not in the graph, which has {} tasks", output, size()));
        }
        call_of[output] |= output_bit;
    }
}

void CompiledGraph::flatten(Graph& graph) {
    const auto size = graph.size_;
    calls.reserve(graph.segments_.size());
    call_of.reserve(size);
    for (std::size_t s = 0; s < graph.segments_.size(); ++s) {
        const auto& segment = graph.segments_[s];
        const auto end = s + 1 < graph.segments_.size() ? graph.segments_[s + 1].first : size;
        call_of.insert(call_of.end(), end - segment.first, static_cast<std::uint32_t>(s));
        calls.push_back({graph.functions_[segment.function], segment.first, segment.first_index,
                         segment.index_step});
    }
    if (graph.layers_.empty()) {  // the arrays are flat already
        inputs = std::move(graph.inputs_);
        input_begin = std::move(graph.input_begin_);
    } else {
        input_begin.reserve(size + 1);
        for (TaskIndex task = 0; task < size; ++task) {
            const auto& segment = graph.segments_[call_of[task]];
            const auto offset = task - segment.first;
            input_begin.push_back(static_cast<std::uint32_t>(inputs.size()));
            if (segment.layer != Graph::alone) {
                for (const auto& input : graph.layers_[segment.layer].inputs) {
                    input.expand(offset, inputs);
                }
            } else {
                graph.inputs_of(task, inputs);
            }
        }
    }
    input_begin.push_back(static_cast<std::uint32_t>(inputs.size()));
}

void CompiledGraph::link() {
    const auto n = size();
    successor_begin.assign(n + 1, 0);
    dependencies.assign(n, 0);
    for (const auto input : inputs) {
        if ((input & literal_bit) == 0) ++successor_begin[input];
    }
    std::exclusive_scan(successor_begin.begin(), successor_begin.end(), successor_begin.begin(),
                        std::uint32_t{0});
    successors.resize(successor_begin.back());
    // Filled from the back, so that each offset ends where its run begins.
    for (TaskIndex task = 0; task < n; ++task) {
        for (auto k = input_begin[task]; k < input_begin[task + 1]; ++k) {
            if ((inputs[k] & literal_bit) != 0) continue;
            successors[successor_begin[inputs[k]]++] = task;
            ++dependencies[task];
        }
        if (dependencies[task] == 0) sources.push_back(task);
    }
    for (auto task = n; task > 0; --task) successor_begin[task] = successor_begin[task - 1];
    successor_begin[0] = 0;
}

void CompiledGraph::refuse_cycle(const Graph& graph) const {
    auto waiting = dependencies;
    auto ready = sources;
    for (std::size_t done = 0; done < ready.size(); ++done) {
        for (auto k = successor_begin[ready[done]]; k < successor_begin[ready[done] + 1]; ++k) {
            if (--waiting[successors[k]] == 0) ready.push_back(successors[k]);
        }
    }
    if (ready.size() == size()) return;

    // Every task that is left waits for another that is left: following those must come back.
    auto task = static_cast<TaskIndex>(
        std::ranges::find_if(waiting, [](auto count) { return count != 0; }) - waiting.begin());
    std::vector<TaskIndex> path;
    while (std::ranges::find(path, task) == path.end()) {
        path.push_back(task);
        for (auto k = input_begin[task]; k < input_begin[task + 1]; ++k) {
            if ((inputs[k] & literal_bit) == 0 && waiting[inputs[k]] != 0) task = inputs[k];
        }
    }
    std::string text = graph.label(task);
    for (auto at = path.rbegin(); at != path.rend(); ++at) {
        text += " -> " + graph.label(*at);
        if (*at == task) break;
    }
    throw GraphError(fmt::format("the graph has a cycle, so it can never finish: {}", text));
}

}  // namespace satchel::detail
