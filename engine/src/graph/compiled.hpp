// CompiledGraph: a graph as flat arrays, the form in which the local executors run it.
//
// Nothing is allocated or hashed for a task while the graph runs. Invariants: inputs of task t are
// inputs[input_begin[t]] … inputs[input_begin[t + 1] - 1], literals carrying `literal_bit`; every
// edge (p -> t) stands once among p's successors for each time that t uses p.
#pragma once

#include <satchel/graph.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace satchel::detail {

class CompiledGraph {
  public:
    /// Throws GraphError for an unknown key, a cycle, or an output that is not in the graph.
    CompiledGraph(Graph graph, std::span<const TaskIndex> outputs);

    /// Set in `call_of` for a task whose result is kept until the end.
    static constexpr std::uint32_t output_bit = 0x8000'0000;

    /// What one function is called for, and the numbers that its tasks have in their layer.
    struct Call {
        Function function;
        TaskIndex first;
        std::uint32_t first_index;
        std::uint32_t index_step;
    };

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(call_of.size());
    }

    std::vector<std::uint32_t> call_of;      ///< of each task: an index into calls, with output_bit
    std::vector<std::uint32_t> input_begin;  ///< size() + 1 offsets into inputs
    std::vector<std::uint32_t> inputs;       ///< tasks, or literals with literal_bit
    std::vector<std::uint32_t> successor_begin;  ///< size() + 1 offsets into successors
    std::vector<TaskIndex> successors;
    std::vector<std::uint32_t> dependencies;  ///< of each task: how many inputs are tasks
    std::vector<TaskIndex> sources;           ///< tasks that depend on no other, in order
    std::vector<Call> calls;
    std::vector<Value> literals;

  private:
    void flatten(Graph& graph);
    void link();
    void refuse_cycle(const Graph& graph) const;
};

}  // namespace satchel::detail
