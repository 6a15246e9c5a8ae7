// PartitionMaker: the partitions of a bag one at a time, for who takes them in order.
#include <satchel/detail/kept_result.hpp>
#include <satchel/detail/node.hpp>

#include "bag/pipeline.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace satchel::detail {
namespace {

using Kind = NodeInput::Kind;

// Whether a task of a pipeline with this input can be made without the tasks beside it.
bool stands_alone(const NodeInput& input) {
    switch (input.kind) {
        case Kind::same:
        case Kind::at:
        case Kind::literal:
        case Kind::cross_left:
        case Kind::cross_right:
            return true;
        default:
            return false;
    }
}

// What a task calls that has a value, for the one that takes it away.
struct GiveAway {
    std::shared_ptr<Value> value;
    Value operator()(Arguments&) const { return std::move(*value); }
};

// How a task of `graph` refers to a value, or to a result that is elsewhere. `last`: nobody will
// ask for it again, so that its elements may be moved, which those of a literal may not.
std::uint32_t refer_to(Graph& graph, Value value, bool last) {
    auto results = kept_results({value});
    if (!results.empty()) return graph.add(Function(KeptResults{std::move(results)}), {}, "input");
    if (!last) return graph.literal(std::move(value));
    return graph.add(Function(GiveAway{std::make_shared<Value>(std::move(value))}), {}, "input");
}

}  // namespace

PartitionMaker::PartitionMaker(NodePtr bag, const Executor& executor, const RunOptions& options) {
    std::vector<NodeInput> inputs;
    pipeline_ = pipeline_of(bag, inputs);
    if (!pipeline_ || !std::ranges::all_of(inputs, stands_alone)) {
        pipeline_.reset();
        values_ = keep_nodes({std::move(bag)}, executor, options);
        return;
    }
    std::vector<NodePtr> needed;
    for (const auto& input : inputs) {
        if (input.node) needed.push_back(input.node);
    }
    auto values = keep_nodes(needed, executor, options);
    auto next = values.begin();
    for (auto& input : inputs) {
        Slot slot{input.kind, input.step, {}};
        if (input.node) {
            const auto end = next + input.node->description.count;
            slot.values.assign(std::move_iterator(next), std::move_iterator(end));
            next = end;
        } else {
            slot.values.push_back(input.value);
        }
        slots_.push_back(std::move(slot));
    }
}

// Partitions are made in order, so what no later one needs is given away.
Value PartitionMaker::Slot::of(std::uint32_t i) {
    switch (kind) {
        case Kind::same:
            return std::move(values[i]);
        case Kind::at:
            return values[static_cast<std::size_t>(step)];
        case Kind::cross_left: {
            auto& value = values[static_cast<std::size_t>(i / step)];
            return (i + 1) % step == 0 ? std::move(value) : value;
        }
        case Kind::cross_right:
            return values[static_cast<std::size_t>(i % step)];
        default:
            return values.front();
    }
}

Graph PartitionMaker::partition(std::uint32_t i) {
    Graph graph;
    if (!pipeline_) {
        const auto value = refer_to(graph, std::move(values_[i]), true);
        (void)graph.add(Function(PassOn{}), {value}, "partition");
        return graph;
    }
    std::vector<std::uint32_t> inputs;
    inputs.reserve(slots_.size());
    for (auto& slot : slots_) {
        inputs.push_back(refer_to(graph, slot.of(i), slot.kind == Kind::same));
    }
    (void)graph.add(Function(PartitionCall{{pipeline_}, i}), inputs, "partition");
    return graph;
}

}  // namespace satchel::detail
