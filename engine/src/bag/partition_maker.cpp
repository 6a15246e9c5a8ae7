// PartitionMaker: the partitions of a bag one at a time, for who takes them in order.
#include <satchel/detail/node.hpp>

#include "bag/pipeline.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace satchel::detail {
namespace {

using Kind = NodeInput::Kind;

// Whether a task of a pipeline with this input could be made without the tasks beside it. What
// several tasks take from one is not sent to and fro for that.
bool stands_alone(const NodeInput& input, bool is_local) {
    switch (input.kind) {
        case Kind::same:
        case Kind::at:
        case Kind::literal:
            return true;
        case Kind::cross_left:
        case Kind::cross_right:
            return is_local;
        default:
            return false;
    }
}

}  // namespace

PartitionMaker::PartitionMaker(NodePtr bag, const Executor& executor, const RunOptions& options) {
    std::vector<NodeInput> inputs;
    pipeline_ = pipeline_of(bag, inputs);
    const auto is_fine = [&](const NodeInput& input) {
        return stands_alone(input, executor.is_local());
    };
    if (!pipeline_ || !std::ranges::all_of(inputs, is_fine)) {
        pipeline_.reset();
        values_ = compute_nodes({std::move(bag)}, executor, options);
        return;
    }
    std::vector<NodePtr> needed;
    for (const auto& input : inputs) {
        if (input.node) needed.push_back(input.node);
    }
    auto values = compute_nodes(needed, executor, options);
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

Function PartitionMaker::partition(std::uint32_t i) {
    if (!pipeline_) return Function(StoredPartition{std::move(values_[i])});
    std::vector<Value> literals;
    for (auto& slot : slots_) {
        switch (slot.kind) {
            case Kind::same:
                literals.push_back(std::move(slot.values[i]));
                break;
            case Kind::at:
                literals.push_back(slot.values[static_cast<std::size_t>(slot.step)]);
                break;
            case Kind::cross_left:
                literals.push_back(slot.values[static_cast<std::size_t>(i / slot.step)]);
                break;
            case Kind::cross_right:
                literals.push_back(slot.values[static_cast<std::size_t>(i % slot.step)]);
                break;
            default:
                literals.push_back(slot.values.front());
                break;
        }
    }
    return Function(PartitionCall{{pipeline_}, std::move(literals), i});
}

}  // namespace satchel::detail
