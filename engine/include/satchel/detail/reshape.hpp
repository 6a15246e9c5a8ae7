// Operations for which a partition needs more than its own elements: accumulate, concat,
// repartition.
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

// ---- repartition --------------------------------------------------------------------------------

/// The last partition that begins at `position` or before it.
[[nodiscard]] std::size_t partition_with(std::uint64_t position,
                                         const std::vector<std::uint64_t>& begin);

/// Partitions seen as one sequence.
template <class T>
struct Joined {
    std::vector<Value> partitions;
    std::vector<std::uint64_t> begin;  // of each partition, and the end of the last

    static Joined of(std::vector<Value> partitions) {
        Joined joined{std::move(partitions), {0}};
        for (const auto& partition : joined.partitions) {
            joined.begin.push_back(joined.begin.back() + partition.get<Items<T>>().size());
        }
        return joined;
    }

    /// Copies of the elements from `first` to before `last`.
    [[nodiscard]] Items<T> slice(std::uint64_t first, std::uint64_t last) const {
        Items<T> items;
        items.reserve(last - first);
        auto p = partition_with(first, begin);
        for (; first < last; ++p) {
            const auto& source = partitions[p].template get<Items<T>>();
            const auto end = std::min(last, begin[p + 1]);
            for (auto k = first; k < end; ++k) items.push_back(source.data()[k - begin[p]]);
            first = end;
        }
        return items;
    }
};

/// Partition i of `count` equal ones.
template <class T>
struct TakeSlice {
    std::uint32_t count;
    Value operator()(Arguments& arguments) const {
        const auto& all = arguments.get<Joined<T>>(0);
        const Partitioning parts{all.begin.back(), count, 0};
        const auto i = arguments.index();
        return Value::make<Items<T>>(all.slice(parts.begin(i), parts.begin(i + std::uint64_t{1})));
    }
};

/// `count` partitions whose sizes differ by at most one. One task waits for all input and knows
/// where everything lies; each partition is then a slice.
template <class T>
NodePtr repartition_node(NodePtr bag, std::uint32_t count) {
    static_assert(is_copyable<T>,
                  "satchel: repartition() copies elements, and these cannot be copied.");
    const auto token = Token::of("repartition").then(bag->description.token).then(count);
    const Function join([](Arguments& arguments) {
        std::vector<Value> partitions;
        partitions.reserve(arguments.size());
        for (std::uint32_t k = 0; k < arguments.size(); ++k)
            partitions.push_back(arguments.share(k));
        return Value::of(Joined<T>::of(std::move(partitions)));
    });
    auto joined = Node::make({.name = "repartition-join",
                              .token = token.then(1),
                              .function = join,
                              .inputs = {{.kind = NodeInput::Kind::all, .node = std::move(bag)}}});
    const Function slice(TakeSlice<T>{count});
    return Node::make({.count = count,
                       .name = "repartition",
                       .token = token,
                       .function = slice,
                       .elements = &element_operations<T>,
                       .inputs = {{.kind = NodeInput::Kind::at, .node = std::move(joined)}}});
}

/// Throws InvalidArgument: nobody knows the size of the elements.
[[noreturn]] void throw_not_measurable();

/// Stored partitions divided anew, so that each has at most `limit` bytes of elements, or one
/// element.
template <Measurable T>
NodePtr regrouped_node(std::vector<Value> partitions, Token token, std::uint64_t limit) {
    const auto joined = Joined<T>::of(std::move(partitions));
    auto regrouped = std::make_shared<std::vector<Value>>();
    std::uint64_t bytes = 0;
    std::uint64_t first = 0;
    std::uint64_t at = 0;
    const auto close = [&] {
        regrouped->push_back(Value::make<Items<T>>(joined.slice(first, at)));
        first = at;
        bytes = 0;
    };
    for (const auto& partition : joined.partitions) {
        for (const T& element : partition.template get<Items<T>>()) {
            const auto size = element_bytes(element);
            if (at != first && bytes + size > limit) close();
            bytes += size;
            ++at;
        }
    }
    if (at != first || regrouped->empty()) close();
    token = Token::of("repartition-bytes").then(token).then(limit);
    return stored_node<T>(std::move(regrouped), "repartition", token);
}

}  // namespace satchel::detail
