// cull, order and fuse: a graph in, a smaller or better numbered graph out.
#include <satchel/error.hpp>
#include <satchel/graph.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace detail {
namespace {

constexpr TaskIndex dropped = UINT32_MAX;

bool is_task(std::uint32_t reference) { return !is_literal(reference); }

std::vector<TaskIndex> renumbered(std::span<const TaskIndex> tasks,
                                  std::span<const TaskIndex> new_index) {
    std::vector<TaskIndex> result;
    for (const auto task : tasks) result.push_back(new_index[task]);
    return result;
}

// How many tasks use each task's result; an output is used once more.
std::vector<std::uint32_t> count_uses(const Graph& graph, std::span<const TaskIndex> outputs) {
    std::vector<std::uint32_t> uses(graph.size(), 0);
    std::vector<std::uint32_t> inputs;
    for (TaskIndex task = 0; task < graph.size(); ++task) graph.inputs_of(task, inputs);
    for (const auto input : inputs) {
        if (is_task(input)) ++uses[input];
    }
    for (const auto output : outputs) ++uses[output];
    return uses;
}

}  // namespace

// A graph of the given tasks in the given order. Their inputs must be among them.
Graph select(const Graph& graph, std::span<const TaskIndex> tasks,
             std::span<const TaskIndex> new_index) {
    Graph result;
    result.literals_ = graph.literals_;
    std::vector<std::uint32_t> inputs;
    for (const auto task : tasks) {
        result.append_copy(graph, task);
        inputs.clear();
        graph.inputs_of(task, inputs);
        for (const auto input : inputs) {
            result.inputs_.push_back(is_task(input) ? new_index[input] : input);
        }
    }
    for (const auto& [task, token] : graph.tokens_) {
        if (new_index[task] != dropped) result.tokens_.emplace_back(new_index[task], token);
    }
    return result;
}

}  // namespace detail

namespace {

using detail::dropped;
using detail::is_task;

// Visits the tasks that the outputs need, each after its inputs. No recursion: a graph may be as
// deep as it is large.
class DepthFirst {
  public:
    explicit DepthFirst(const Graph& graph) : graph_(graph), state_(graph.size(), State::fresh) {}

    std::vector<TaskIndex> visit(std::span<const TaskIndex> outputs) {
        for (const auto output : outputs) {
            if (output >= graph_.size()) {
                throw GraphError(fmt::format("output {} is not in the graph, which has {} tasks",
                                             output, graph_.size()));
            }
            enter(output);
            while (!open_.empty()) step();
        }
        return std::move(finished_);
    }

  private:
    enum class State : std::uint8_t { fresh, open, finished };
    struct Open {
        TaskIndex task;
        std::size_t first_input;  // where its inputs begin in inputs_
        std::size_t next_input;
    };

    void enter(TaskIndex task) {
        if (state_[task] == State::finished) return;
        if (state_[task] == State::open) refuse_cycle(task);
        state_[task] = State::open;
        open_.push_back({task, inputs_.size(), inputs_.size()});
        graph_.inputs_of(task, inputs_);
    }

    void step() {
        auto& top = open_.back();
        if (top.next_input < inputs_.size()) {
            const auto input = inputs_[top.next_input++];
            if (is_task(input)) enter(input);
            return;
        }
        state_[top.task] = State::finished;
        finished_.push_back(top.task);
        inputs_.resize(top.first_input);
        open_.pop_back();
    }

    [[noreturn]] void refuse_cycle(TaskIndex task) const {
        std::string text = graph_.label(task);
        for (auto at = open_.rbegin(); at->task != task; ++at) {
            text += " -> " + graph_.label(at->task);
        }
        throw GraphError(fmt::format("the graph has a cycle, so it can never finish: {} -> {}",
                                     text, graph_.label(task)));
    }

    const Graph& graph_;
    std::vector<State> state_;
    std::vector<Open> open_;
    std::vector<std::uint32_t> inputs_;  // of the open tasks, one after another
    std::vector<TaskIndex> finished_;
};

Rewritten renumber(const Graph& graph, std::span<const TaskIndex> tasks,
                   std::span<const TaskIndex> outputs) {
    std::vector<TaskIndex> new_index(graph.size(), dropped);
    for (TaskIndex k = 0; k < tasks.size(); ++k) new_index[tasks[k]] = k;
    return {detail::select(graph, tasks, new_index), detail::renumbered(outputs, new_index)};
}

// Several functions called one after another in one task. Inputs of a step refer to the fused
// task's own inputs, or, from `inputs` on, to the results of the steps before it.
struct FusedCall {
    struct Step {
        Function function;
        std::uint32_t index;
        std::vector<std::uint32_t> references;
    };
    std::uint32_t inputs;
    std::vector<Step> steps;

    Value operator()(Arguments& arguments) const {
        std::vector<detail::TaskSlot> slots(inputs + steps.size());
        for (const auto& step : steps) {
            for (const auto reference : step.references) ++slots[reference].counter;
        }
        for (std::uint32_t k = 0; k < inputs; ++k) slots[k].value = arguments.share(k);
        auto result = inputs;
        for (const auto& step : steps) {
            Arguments inner(slots.data(), nullptr, step.references.data(),
                            static_cast<std::uint32_t>(step.references.size()), step.index);
            step.function(inner, slots[result++].value);
            for (const auto reference : step.references) {
                if (--slots[reference].counter == 0) slots[reference].value.reset();
            }
        }
        return std::move(slots.back().value);
    }
};

}  // namespace

Rewritten cull(Graph graph, std::span<const TaskIndex> outputs) {
    graph.resolve_keys();
    auto needed = DepthFirst(graph).visit(outputs);
    std::ranges::sort(needed);
    return renumber(graph, needed, outputs);
}

Rewritten order(Graph graph, std::span<const TaskIndex> outputs) {
    graph.resolve_keys();
    return renumber(graph, DepthFirst(graph).visit(outputs), outputs);
}

Rewritten fuse(Graph graph, std::span<const TaskIndex> outputs) {
    graph.resolve_keys();
    const auto tasks = DepthFirst(graph).visit(outputs);
    const auto uses = detail::count_uses(graph, outputs);

    // The single task that `task` depends on, if it can be called inside `task`.
    std::vector<std::uint32_t> inputs;
    const auto predecessor = [&](TaskIndex task) {
        inputs.clear();
        graph.inputs_of(task, inputs);
        const auto found = std::ranges::find_if(inputs, is_task);
        if (found == inputs.end() || uses[*found] != 1) return dropped;
        return std::ranges::count_if(inputs, is_task) == 1 ? *found : dropped;
    };
    std::vector<bool> absorbed(graph.size(), false);
    for (const auto task : tasks) {
        if (const auto before = predecessor(task); before != dropped) absorbed[before] = true;
    }

    Graph result;
    for (const auto& literal : graph.literals()) result.literal(literal);
    std::vector<TaskIndex> new_index(graph.size(), dropped);
    for (const auto last : tasks) {
        if (absorbed[last]) continue;
        std::vector<TaskIndex> chain{last};
        while (predecessor(chain.back()) != dropped) chain.push_back(predecessor(chain.back()));
        std::ranges::reverse(chain);

        std::vector<std::uint32_t> outer;
        FusedCall call{0, {}};
        std::vector<std::vector<std::uint32_t>> step_inputs;
        for (const auto task : chain) {
            inputs.clear();
            graph.inputs_of(task, inputs);
            step_inputs.push_back(inputs);
            call.inputs += static_cast<std::uint32_t>(inputs.size()) - (task == chain[0] ? 0 : 1);
        }
        for (std::size_t s = 0; s < chain.size(); ++s) {
            std::vector<std::uint32_t> references;
            for (const auto input : step_inputs[s]) {
                if (s > 0 && is_task(input)) {
                    references.push_back(call.inputs + static_cast<std::uint32_t>(s) - 1);
                } else {
                    references.push_back(static_cast<std::uint32_t>(outer.size()));
                    outer.push_back(is_task(input) ? new_index[input] : input);
                }
            }
            call.steps.push_back({graph.function_of(chain[s]), graph.index_in_layer(chain[s]),
                                  std::move(references)});
        }
        new_index[last] = result.add(Function(std::move(call)), outer, graph.label(last));
    }
    return {std::move(result), detail::renumbered(outputs, new_index)};
}

}  // namespace satchel
