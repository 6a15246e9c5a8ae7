// Running what nodes stand for: all at once, with the results here or left where they are.
#include <satchel/detail/kept_result.hpp>
#include <satchel/detail/node.hpp>

#include <utility>

namespace satchel::detail {

RunnableNodes runnable(const std::vector<NodePtr>& roots, bool consumed, bool drawing) {
    auto lowered = lower(roots, consumed, drawing);
    std::vector<TaskIndex> outputs;
    for (std::size_t k = 0; k < roots.size(); ++k) {
        for (std::uint32_t i = 0; i < roots[k]->description.count; ++i) {
            outputs.push_back(lowered.first[k] + i);
        }
    }
    if (!lowered.has_surplus) return {std::move(lowered.graph), std::move(outputs)};
    auto culled = cull(std::move(lowered.graph), outputs);
    return {std::move(culled.graph), std::move(culled.outputs)};
}

std::vector<Value> compute_nodes(const std::vector<NodePtr>& roots, const Executor& executor,
                                 const RunOptions& options, bool consumed) {
    auto [graph, outputs] = runnable(roots, consumed);
    return executor.run(std::move(graph), std::move(outputs), options);
}

std::vector<Value> keep_nodes(const std::vector<NodePtr>& roots, const Executor& executor,
                              const RunOptions& options) {
    auto [graph, outputs] = runnable(roots);
    return executor.keep(std::move(graph), std::move(outputs), options);
}

NodePtr kept_node(const std::vector<Value>& values, const Node& like) {
    auto results = kept_results(values);
    if (results.empty()) return {};
    const auto& made = like.description;
    return Node::make({.count = static_cast<std::uint32_t>(results.size()),
                       .name = made.name,
                       .token = made.token,
                       .function = Function(KeptResults{std::move(results)}),
                       .elements = made.elements});
}

}  // namespace satchel::detail
