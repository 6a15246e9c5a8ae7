// CompiledGraph: a graph as flat arrays, the form in which the local executors run it.
//
// Nothing is allocated or hashed for a task while the graph runs. Invariants: the inputs of task t
// are inputs[tasks[t].inputs] … inputs[tasks[t + 1].inputs - 1], literals carrying `literal_bit`;
// every edge (p -> t) stands once among p's successors for each time that t uses p.
#pragma once

#include <satchel/graph.hpp>

#include "graph/slot_array.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace satchel::detail {

/// What people call a task that was added under this name, alone or in a layer.
[[nodiscard]] std::string task_label(const std::string& name, bool is_in_layer,
                                     std::uint32_t index);

class CompiledGraph {
  public:
    /// Throws GraphError for an unknown key, a cycle, or an output that is not in the graph.
    CompiledGraph(Graph graph, std::span<const TaskIndex> outputs);

    /// Set in `call` for a task whose result is kept until the end.
    static constexpr std::uint32_t output_bit = 0x8000'0000;

    /// What one function is called for, and the numbers that its tasks have in their layer.
    struct Call {
        Function function;
        TaskIndex first;
        std::uint32_t first_index;
        std::uint32_t index_step;
        std::uint32_t name;  // index into names
    };

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(tasks.size() - 1);
    }
    /// What people call the task, as Graph::label().
    [[nodiscard]] std::string label(TaskIndex task) const;
    [[nodiscard]] std::span<const std::uint32_t> inputs_of(TaskIndex task) const noexcept {
        return std::span(inputs).subspan(tasks[task].inputs,
                                         tasks[task + 1].inputs - tasks[task].inputs);
    }
    [[nodiscard]] std::span<const TaskIndex> successors_of(TaskIndex task) const noexcept {
        return std::span(successors)
            .subspan(tasks[task].successors, tasks[task + 1].successors - tasks[task].successors);
    }

    SlotArray tasks;  ///< and one more, where the last one's inputs and successors end;
                      ///< `call` is an index into calls, with output_bit; `counter` the
                      ///< number of inputs that are tasks
    PooledVector<std::uint32_t> inputs;  ///< tasks, or literals with literal_bit
    PooledVector<TaskIndex> successors;
    std::vector<TaskIndex> sources;  ///< tasks that depend on no other, in order
    std::vector<Call> calls;
    std::vector<std::string> names;
    std::vector<Value> literals;

  private:
    PooledVector<std::uint32_t> flatten(Graph& graph);
    void expand(const Graph& graph, PooledVector<std::uint32_t>& input_begin);
    PooledVector<std::uint32_t> invert(std::span<const std::uint32_t> input_begin);
    void place(std::span<const std::uint32_t> input_begin,
               std::span<const std::uint32_t> successor_end);
    void refuse_cycle(const Graph& graph) const;
};

}  // namespace satchel::detail
