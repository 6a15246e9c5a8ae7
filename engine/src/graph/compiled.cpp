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
    const auto input_begin = flatten(graph);
    place(input_begin, invert(input_begin));
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

// Fills calls and inputs; gives where the inputs of each task begin.
PooledVector<std::uint32_t> CompiledGraph::flatten(Graph& graph) {
    calls.reserve(graph.segments_.size());
    for (const auto& segment : graph.segments_) {
        calls.push_back({graph.functions_[segment.function], segment.first, segment.first_index,
                         segment.index_step, segment.name});
    }
    PooledVector<std::uint32_t> input_begin;
    if (graph.layers_.empty()) {
        inputs = std::move(graph.inputs_);
        input_begin = std::move(graph.input_begin_);
    } else {
        input_begin.reserve(graph.size_ + std::size_t{1});
        expand(graph, input_begin);
    }
    input_begin.push_back(static_cast<std::uint32_t>(inputs.size()));
    return input_begin;
}

void CompiledGraph::expand(const Graph& graph, PooledVector<std::uint32_t>& input_begin) {
    std::vector<std::uint32_t> references;
    for (std::size_t s = 0; s < graph.segments_.size(); ++s) {
        const auto& segment = graph.segments_[s];
        const auto end =
            s + 1 < graph.segments_.size() ? graph.segments_[s + 1].first : graph.size_;
        for (auto task = segment.first; task < end; ++task) {
            input_begin.push_back(static_cast<std::uint32_t>(inputs.size()));
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
}

// Fills successors by counting; gives where those of each task end.
PooledVector<std::uint32_t> CompiledGraph::invert(std::span<const std::uint32_t> input_begin) {
    const auto n = static_cast<TaskIndex>(input_begin.size() - 1);
    PooledVector<std::uint32_t> next(n, 0);
    for (const auto input : inputs) {
        if (!is_literal(input)) ++next[input];
    }
    std::uint32_t edges = 0;
    for (auto& begin : next) edges += std::exchange(begin, edges);
    successors.resize(edges);
    const auto* input = inputs.data();
    auto* const place = successors.data();
    for (TaskIndex task = 0; task < n; ++task) {
        for (const auto* end = inputs.data() + input_begin[task + 1]; input != end; ++input) {
            if (!is_literal(*input)) place[next[*input]++] = task;
        }
    }
    return next;
}

// Makes the slots, in one walk over them: they are the most memory by far.
void CompiledGraph::place(std::span<const std::uint32_t> input_begin,
                          std::span<const std::uint32_t> successor_end) {
    const auto n = static_cast<TaskIndex>(successor_end.size());
    tasks = SlotArray(n + std::size_t{1});
    std::uint32_t successors_begin = 0;
    for (std::uint32_t c = 0; c < calls.size(); ++c) {
        const auto end = c + 1 < calls.size() ? calls[c + 1].first : n;
        for (auto task = calls[c].first; task < end; ++task) {
            std::uint32_t dependencies = 0;
            for (auto k = input_begin[task]; k < input_begin[task + 1]; ++k) {
                if (!is_literal(inputs[k])) ++dependencies;
            }
            if (dependencies == 0) sources.push_back(task);
            tasks.push_back({.counter = dependencies,
                             .inputs = input_begin[task],
                             .successors = std::exchange(successors_begin, successor_end[task]),
                             .call = c});
        }
    }
    tasks.push_back({.inputs = input_begin[n], .successors = successors_begin});
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
