// Reductions: every partition is folded into a partial result, and those are merged as a tree.
//
// A reducer says how. It is a copyable object with
//     using Partial = …;                                 what a partition is folded into
//     Partial start() const;
//     template <class T> void add(Partial&, const Batch<T>&);
//     void merge(Partial& earlier, Partial&& later);
//     R finish(Partial&&) const;                         the final result
//     static constexpr bool moves;               add() moves elements that it is given
//     void add_views(Partial&, const ViewBatch&);  optional: strings that are only looked at
//     bool finished(const Partial&) const;       optional: the rest changes nothing
//     void begin_partition(std::uint32_t);       optional: the number of the partition
//     bool in_order() const;                     optional: results of partitions cannot be merged
// Each task has a copy of its own. To add a reduction: a reducer in reducers.hpp, a method in
// bag.hpp.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/detail/partition_stage.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/view_stream.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Refuses a `split_every` that would make no tree. Returns it for use as a step.
[[nodiscard]] std::int64_t checked_split_every(std::int64_t split_every, const std::string& name);

/// The nodes of a tree over the tasks of `leaves`: `merge` on `split_every` at a time, `finish` on
/// the last.
[[nodiscard]] NodePtr tree(NodePtr leaves, const std::string& name, std::int64_t split_every,
                           const Function& merge, const Function& finish,
                           const ElementOperations* elements);

template <class Reducer>
typename Reducer::Partial merge_all(Reducer& reducer, Arguments& arguments) {
    using Partial = typename Reducer::Partial;
    auto merged = arguments.take<Partial>(0);
    for (std::uint32_t k = 1; k < arguments.size(); ++k) {
        reducer.merge(merged, arguments.take<Partial>(k));
    }
    return merged;
}

/// Takes strings as views.
template <class Reducer>
concept AddsViews = requires(Reducer& reducer, typename Reducer::Partial& partial,
                             const ViewBatch& batch) {
    reducer.add_views(partial, batch);
};

template <class T, class Reducer>
Value run_reducer(const Value& state, Binding& binding) {
    auto reducer = state.get<Reducer>();
    if constexpr (requires { reducer.begin_partition(binding.index()); }) {
        reducer.begin_partition(binding.index());
    }
    auto partial = reducer.start();
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    if constexpr (requires { reducer.finished(partial); }) stream->expect(1);  // at first
    if constexpr (std::is_same_v<T, std::string> && AddsViews<Reducer>) {
        if (auto* const views = dynamic_cast<ViewStream*>(stream.get())) {
            for (ViewBatch batch; views->next_views(batch);) reducer.add_views(partial, batch);
        }
    }
    for (Batch<T> batch; stream->next(batch);) {
        if (batch.size != 0) reducer.add(partial, batch);
        if constexpr (requires { reducer.finished(partial); }) {
            if (reducer.finished(partial)) break;
        }
    }
    return Value::make<typename Reducer::Partial>(std::move(partial));
}

// What the tasks of a reduction call. These are no lambdas, because those do not travel.

/// Joins partial results.
template <class Reducer>
struct MergePartials {
    Reducer reducer;
    Value operator()(Arguments& arguments) const {
        auto mine = reducer;
        return Value::of(merge_all(mine, arguments));
    }
};
/// Joins the last partial results, and makes the result.
template <class Reducer>
struct FinishPartials {
    Reducer reducer;
    Value operator()(Arguments& arguments) const {
        auto mine = reducer;
        auto merged = merge_all(mine, arguments);
        return Value::of(mine.finish(std::move(merged)));
    }
};
/// Goes on with a partition where the one before it has stopped.
template <class T, class Reducer>
struct ContinuePartial {
    Reducer reducer;
    Value operator()(Arguments& arguments) const {
        using Partial = typename Reducer::Partial;
        auto mine = reducer;
        auto partial = arguments.size() == 2 ? arguments.take<Partial>(1) : mine.start();
        const auto& items = arguments.get<Items<T>>(0);
        StoredStream<T> stream(items.data(), items.size(), arguments.owns(0));
        for (Batch<T> batch; stream.next(batch);) mine.add(partial, batch);
        return Value::make<Partial>(std::move(partial));
    }
};

/// A reduction whose results of partitions cannot be merged: each partition goes on where the one
/// before it has stopped. The partitions themselves are made in parallel.
template <class T, class Reducer>
NodePtr reduce_in_order(const NodePtr& bag, const std::string& name, Token token, Reducer reducer,
                        const ElementOperations* elements) {
    using Kind = NodeInput::Kind;
    const std::int64_t last = std::int64_t{bag->description.count} - 1;
    const Function step(ContinuePartial<T, Reducer>{reducer});
    const Function finish(FinishPartials<Reducer>{std::move(reducer)});
    auto chain = Node::make({.count = bag->description.count,
                             .name = name + "-partition",
                             .token = token,
                             .function = step,
                             .inputs = {{.kind = Kind::same, .node = bag}, {.kind = Kind::self}}});
    return Node::make({.name = name,
                       .token = token.then(0),
                       .function = finish,
                       .elements = elements,
                       .inputs = {{.kind = Kind::at, .node = std::move(chain), .step = last}}});
}

/// The node of the reduction's result, a single value; with `elements`, a bag of one partition.
template <class T, class Reducer>
NodePtr reduce(const NodePtr& bag, const std::string& name, std::int64_t split_every, Token token,
               Reducer reducer, const ElementOperations* elements = nullptr) {
    split_every = checked_split_every(split_every, name);
    if constexpr (requires { reducer.in_order(); }) {
        if (reducer.in_order()) {
            return reduce_in_order<T>(bag, name, token, std::move(reducer), elements);
        }
    }
    const Function merge(MergePartials<Reducer>{reducer});
    const Function finish(FinishPartials<Reducer>{reducer});
    auto leaves = Node::make({.role = Node::Role::sink,
                              .needs_owned = !is_copyable<T> && Reducer::moves,
                              .count = bag->description.count,
                              .name = name + "-partition",
                              .token = token,
                              .sink = sink_part<&run_reducer<T, Reducer>>(std::move(reducer)),
                              .inputs = {{.kind = NodeInput::Kind::stream, .node = bag}}});
    return tree(std::move(leaves), name, split_every, merge, finish, elements);
}

/// All results among the inputs, in order.
template <class P>
std::vector<P> gather_results(Arguments& arguments) {
    auto gathered = arguments.take<std::vector<P>>(0);
    for (std::uint32_t k = 1; k < arguments.size(); ++k) {
        for (auto&& result : arguments.take<std::vector<P>>(k)) {
            gathered.push_back(std::move(result));
        }
    }
    return gathered;
}

/// A level of reduction(): aggregates results if that gives what it takes.
template <class P, class R, class A>
struct AggregateSome {
    A aggregate;
    Value operator()(Arguments& arguments) const {
        auto gathered = gather_results<P>(arguments);
        if constexpr (std::is_same_v<P, R>) {
            if (gathered.size() > 1) {
                TaskFunction<A> function(aggregate);
                P merged = function(std::move(gathered));
                gathered.clear();
                gathered.push_back(std::move(merged));
            }
        }
        return Value::of(std::move(gathered));
    }
};
/// The end of reduction(), which also sees to a bag without elements.
template <class T, class P, class R, class F, class A>
struct AggregateAll {
    F per_partition;
    A aggregate;
    Value operator()(Arguments& arguments) const {
        auto gathered = gather_results<P>(arguments);
        if (gathered.empty()) {
            Items<T> nothing;
            TaskFunction<F> function(per_partition);
            gathered.push_back(call_with_partition<TaskFunction<F>, T>(function, nothing));
        }
        TaskFunction<A> function(aggregate);
        return Value::make<R>(function(std::move(gathered)));
    }
};
/// The first step of reduction().
template <class T, class P, class F>
Value reduce_partition(const Value& state, Binding& binding) {
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    auto items = collect_all(*stream);
    std::vector<P> partial;
    if (!items.empty()) {
        TaskFunction<F> function(state.get<F>());
        partial.push_back(call_with_partition<TaskFunction<F>, T>(function, items));
    }
    return Value::of(std::move(partial));
}

/// reduction(per_partition, aggregate): the user's own functions of a partition, and of many
/// results. What empty partitions would give is left out, unless all are empty. Results are
/// aggregated level by level if aggregating gives what it takes; else all at the end.
template <class T, class P, class R, class F, class A>
NodePtr reduce_by(const NodePtr& bag, const std::string& name, std::int64_t split_every,
                  Token token, F per_partition, A aggregate) {
    split_every = checked_split_every(split_every, name);
    const Function merge(AggregateSome<P, R, A>{aggregate});
    const Function finish(AggregateAll<T, P, R, F, A>{per_partition, std::move(aggregate)});
    auto sink = sink_part<&reduce_partition<T, P, F>>(std::move(per_partition));
    auto leaves = Node::make({.role = Node::Role::sink,
                              .needs_owned = !is_copyable<T>,
                              .count = bag->description.count,
                              .name = name + "-partition",
                              .token = token,
                              .sink = std::move(sink),
                              .inputs = {{.kind = NodeInput::Kind::stream, .node = bag}}});
    return tree(std::move(leaves), name, split_every, merge, finish, nullptr);
}

}  // namespace satchel::detail
