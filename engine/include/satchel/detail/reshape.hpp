// Operations for which a partition needs more than its own elements: accumulate and concat.
#pragma once

#include <satchel/delayed.hpp>
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/detail/stream.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace satchel::detail {

/// The partitions of all nodes, one after another.
[[nodiscard]] NodePtr concat_node(const std::vector<NodePtr>& nodes, const char* name,
                                  const ElementOperations* elements);

// ---- accumulate ---------------------------------------------------------------------------------

/// What one partition adds to a running fold, as a partition of the result, and how far it has
/// come.
template <class Acc>
struct Accumulated {
    Value items;
    std::optional<Acc> last;
};

/// One partition of a running fold.
template <class T, class Acc, class F>
struct AccumulateStep {
    F binop;
    std::optional<Acc> initial;
    Value operator()(Arguments& arguments) const {
        auto last = initial;
        Items<Acc> items;
        auto function = binop;
        if (arguments.size() == 2) {
            last = arguments.get<Accumulated<Acc>>(1).last;
        } else if (initial) {
            items.push_back(*initial);
        }
        const auto add = [&](auto&& element) {
            using Element = decltype(element);
            if (last) {
                last = fold_in(function, std::move(*last), std::forward<Element>(element));
            } else if constexpr (std::is_constructible_v<Acc, Element>) {
                last.emplace(std::forward<Element>(element));
            }
            items.push_back(*last);
        };
        if (arguments.owns(0)) {
            for (auto&& element : arguments.owned<Items<T>>(0)) add(std::move(element));
        } else {
            for (const T& element : arguments.get<Items<T>>(0)) add(element);
        }
        return Value::of(Accumulated<Acc>{Value::of(std::move(items)), std::move(last)});
    }
};

/// A chain of tasks, each of which goes on where the one before it has stopped. What the partitions
/// are made of is computed by tasks of their own, in parallel.
template <class T, class Acc, class F>
NodePtr accumulate_node(NodePtr bag, Token token, F binop, std::optional<Acc> initial) {
    token = Token::of("accumulate").then(token).then(bag->description.token);
    const auto count = bag->description.count;
    const Function step(AccumulateStep<T, Acc, F>{std::move(binop), std::move(initial)});
    auto chain = Node::make({.count = count,
                             .name = "accumulate-step",
                             .token = token,
                             .function = step,
                             .inputs = {{.kind = NodeInput::Kind::same, .node = std::move(bag)},
                                        {.kind = NodeInput::Kind::self}}});
    const Function items(
        [](Arguments& arguments) { return arguments.get<Accumulated<Acc>>(0).items; });
    return Node::make({.count = count,
                       .name = "accumulate",
                       .token = token.then(1),
                       .function = items,
                       .elements = &element_operations<Acc>,
                       .inputs = {{.kind = NodeInput::Kind::same, .node = std::move(chain)}}});
}

}  // namespace satchel::detail
