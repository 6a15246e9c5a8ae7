// The methods of Bag that are more than a line. Included by bag.hpp.
#pragma once

#include <satchel/bag.hpp>

namespace satchel {

template <class T>
template <class F>
auto Bag<T>::map_moved(F f) && {
    detail::check_accepts<F, T>();
    using R = detail::element_result<F, T>;
    detail::check_result<R>();
    if constexpr (!std::is_void_v<R>) {
        using Stage = detail::MapStream<T, R, F>;
        const auto token = detail::function_token(f);
        const bool needs_owned = !detail::is_copyable<T> && !detail::accepts_kept_element<F, T>;
        return Bag<R>(detail::stage_node<R>(std::move(node_), "map", token,
                                            detail::stage_part<Stage, T>(std::move(f)), false,
                                            needs_owned));
    }
}

template <class T>
template <class F>
Bag<T> Bag<T>::filter_moved(F predicate) && {
    static_assert(
        detail::accepts_kept_element<F, T> || detail::is_copyable<T>,
        "satchel: this predicate takes its argument away, and elements of this type cannot be "
        "copied for it. Take const T&.");
    detail::check_accepts<F, T>();
    using Stage = detail::FilterStream<T, F>;
    const auto token = detail::function_token(predicate);
    return Bag(detail::stage_node<T>(std::move(node_), "filter", token,
                                     detail::stage_part<Stage, T>(std::move(predicate)), true,
                                     false));
}

template <class T>
auto Bag<T>::flatten_moved() && {
    static_assert(
        std::ranges::input_range<T>,
        "satchel: flatten() needs elements that are ranges (std::vector, std::string, …), and "
        "those of this bag are not.");
    if constexpr (std::ranges::input_range<T>) {
        using R = std::ranges::range_value_t<T>;
        using Stage = detail::FlattenStream<T, R>;
        detail::StreamPart part{
            [](const Value&, detail::Binding& binding) -> std::unique_ptr<detail::StreamBase> {
                return std::make_unique<Stage>(detail::typed<T>(std::move(binding.upstream(0))));
            },
            {}};
        return Bag<R>(detail::stage_node<R>(std::move(node_), "flatten", {}, std::move(part), false,
                                            !detail::is_copyable<R>));
    }
}

template <class T>
template <class F>
auto Bag<T>::map_partitions_moved(F f) && {
    static_assert(
        detail::takes_vector<F, T> || detail::takes_span<F, T>,
        "satchel: map_partitions' function must take a std::vector<T> or a std::span<const T>, "
        "where T is the element type of the bag.");
    if constexpr (detail::takes_vector<F, T> || detail::takes_span<F, T>) {
        using Result = typename detail::PartitionResult<F, T>::type;
        detail::check_result<Result>();
        using R = typename detail::PartitionElement<Result>::type;
        using Stage = detail::PartitionStream<T, R, F>;
        const auto token = detail::function_token(f);
        return Bag<R>(detail::stage_node<R>(std::move(node_), "map_partitions", token,
                                            detail::stage_part<Stage, T>(std::move(f)), false,
                                            !detail::is_copyable<T>));
    }
}

template <class T>
template <class F, class A>
auto Bag<T>::reduction(F per_partition, A aggregate, ReductionOptions options) const {
    static_assert(detail::takes_vector<F, T> || detail::takes_span<F, T>,
                  "satchel: reduction's first function must take a std::vector<T> or a "
                  "std::span<const T>, where T is the element type of the bag.");
    using P = typename detail::PartitionResult<F, T>::type;
    static_assert(
        detail::callable_with<A, std::vector<P>>,
        "satchel: reduction's second function must take a std::vector of what the first one "
        "returns.");
    using R = detail::call_result<A, std::vector<P>>;
    const auto token = Token::of("reduction")
                           .then(detail::function_token(per_partition))
                           .then(detail::function_token(aggregate))
                           .then(node_->description.token);
    return Delayed<R>(detail::reduce_by<T, P, R>(node_, "reduction", options.split_every, token,
                                                 std::move(per_partition), std::move(aggregate)));
}

template <class T>
template <class F, class C>
requires(!std::is_same_v<C, ReductionOptions>) Delayed<T> Bag<T>::fold(F binop, C combine,
                                                                       ReductionOptions options)
const {
    static_assert(
        detail::callable_with<F, T, T>,
        "satchel: fold without an initial value begins with the first element, so its function "
        "must take two elements. Pass `combine` and `initial` to fold into another type.");
    using Reducer = detail::SymmetricFoldReducer<T, F, C>;
    return reduced("fold", options, Reducer{std::move(binop), std::move(combine), std::nullopt});
}

template <class T>
template <class F, class C, class Acc>
requires(!std::is_same_v<Acc, ReductionOptions>) auto Bag<T>::fold(F binop, C combine, Acc initial,
                                                                   ReductionOptions options) const {
    // The result of binop may be wider than `initial` was written: fold(plus, plus, 0) of doubles.
    using Given = detail::element_type<Acc>;
    using Result = detail::call_result<F, Given, T>;
    static_assert(detail::callable_with<C, Result, Result>,
                  "satchel: fold's `combine` must take two results of `binop`, and join them.");
    if constexpr (std::is_same_v<F, C> && std::is_same_v<Result, T> &&
                  std::is_convertible_v<Given, T>) {
        using Reducer = detail::SymmetricFoldReducer<T, F, C>;
        return reduced("fold", options, Reducer{std::move(binop), std::move(combine), T(initial)});
    } else {
        using Reducer = detail::SeededFoldReducer<Result, F, C>;
        return reduced(
            "fold", options,
            Reducer::make(std::move(binop), std::move(combine), Result(std::move(initial))));
    }
}

template <class T>
std::vector<T> Bag<T>::extract(std::vector<Value> partitions) {
    using Stored = detail::Items<T>;
    if constexpr (std::is_same_v<Stored, std::vector<T>>) {
        if (partitions.size() == 1) return std::move(partitions.front()).template take<Stored>();
    }
    std::size_t size = 0;
    for (const auto& partition : partitions) size += partition.template get<Stored>().size();
    std::vector<T> all;
    all.reserve(size);
    for (auto& partition : partitions) {
        auto items = std::move(partition).template take<Stored>();
        partition.reset();
        for (auto& element : items) all.push_back(std::move(element));
    }
    return all;
}

template <class T>
Bag<T> Bag<T>::persist(const Executor& executor, const RunOptions& options) const {
    auto partitions =
        std::make_shared<std::vector<Value>>(detail::compute_nodes({node_}, executor, options));
    return Bag(detail::Node::make(
        {.role = detail::Node::Role::source,
         .cheap = true,
         .count = node_->description.count,
         .name = node_->description.name,
         .token = node_->description.token,
         .stream = {&detail::StoredPartitions<T>::open,
                    Value::of(detail::StoredPartitions<T>{std::move(partitions)})},
         .elements = &detail::element_operations<T>}));
}

template <class T>
std::vector<T> Bag<T>::take(std::int64_t k, TakeOptions options, const Executor& executor) const {
    const auto count = detail::checked_take(k, options.npartitions, npartitions());
    auto head = detail::Node::make(
        {.role = detail::Node::Role::sink,
         .needs_owned = !detail::is_copyable<T>,
         .count = count,
         .name = "take",
         .token = Token::unique(),
         .sink = {&detail::take_from_partition<T>, Value::of(static_cast<std::uint64_t>(k))},
         .inputs = {{.kind = detail::NodeInput::Kind::stream, .node = node_},
                    {.kind = detail::NodeInput::Kind::self}}});
    auto taken = detail::compute_last(std::move(head), executor).template take<detail::Items<T>>();
    if (taken.size() < static_cast<std::size_t>(k)) detail::warn_short_take(k, taken.size());
    return {std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end())};
}

template <class T>
template <class Write>
void Bag<T>::for_each_partition(Write write, PartitionsOptions options) const {
    const auto executor = options.executor.resolve();
    detail::PartitionMaker maker(node_, *executor, {});
    std::uint32_t next = 0;
    detail::run_stream(
        *executor, options.window,
        [&]() -> std::optional<Function> {
            if (next == node_->description.count) return std::nullopt;
            return maker.partition(next++);
        },
        [&](Value partition) {
            std::vector<Value> one;
            one.push_back(std::move(partition));
            write(extract(std::move(one)));
        });
}

template <class T>
std::vector<Delayed<std::vector<T>>> Bag<T>::to_delayed() const {
    std::vector<Delayed<std::vector<T>>> partitions;
    for (std::int64_t i = 0; i < npartitions(); ++i) {
        const Function give([](Arguments& arguments) {
            std::vector<Value> one;
            one.push_back(arguments.share(0));
            return Value::of(extract(std::move(one)));
        });
        partitions.emplace_back(detail::Node::make(
            {.name = node_->description.name,
             .token = node_->description.token.then(static_cast<std::uint64_t>(i)),
             .function = give,
             .inputs = {{.kind = detail::NodeInput::Kind::at, .node = node_, .step = i}}}));
    }
    return partitions;
}

}  // namespace satchel
