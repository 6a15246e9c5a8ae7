// The methods of Bag that are more than a line. Included by bag.hpp.
#pragma once

#include <satchel/bag.hpp>
#include <satchel/detail/repartition.hpp>

namespace satchel {

namespace detail {

template <class T>
struct LazyTraits<Bag<T>> {
    static constexpr bool lazy = true;
    static void roots(const Bag<T>& bag, std::vector<NodePtr>& nodes) {
        nodes.push_back(bag.node());
    }
    static std::size_t size(const Bag<T>& bag) {
        return static_cast<std::size_t>(bag.npartitions());
    }
    static std::vector<T> extract(const Bag<T>&, std::vector<Value> values) {
        return Bag<T>::extract(std::move(values));
    }
    static Bag<T> stored(const Bag<T>& bag, std::vector<Value> values) {
        return bag.stored(std::move(values));
    }
};

}  // namespace detail

template <class T>
template <class F>
auto Bag<T>::map_moved(F f, const char* name, Token token) && {
    if constexpr (detail::check_accepts<F, T>()) {
        using R = detail::element_result<F, T>;
        if constexpr (detail::check_result<R>()) {
            using Stage = detail::MapStream<T, R, F>;
            const bool needs_owned = !detail::is_copyable<T> && !detail::accepts_kept_element<F, T>;
            using Chain = detail::Chain<T, detail::MapStep<T, R, F>>;
            return detail::fused_bag<R, Chain>(detail::stage_node(
                std::move(node_), name, token, detail::stage_part<Stage, T>(std::move(f)), false,
                needs_owned, &detail::element_operations<R>));
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F>
Bag<T> Bag<T>::filter_moved(F predicate, const char* name, Token token) && {
    if constexpr (detail::check_predicate<F, T>()) {
        return Bag(
            detail::stage_node(std::move(node_), name, token,
                               detail::stream_part<detail::make_filter<T, F>>(std::move(predicate)),
                               true, false, &detail::element_operations<T>));
    } else {
        return *this;
    }
}

template <class T>
auto Bag<T>::flatten_moved() && {
    static_assert(
        std::ranges::input_range<T>,
        "satchel: flatten() needs elements that are ranges (std::vector, std::string, …), and "
        "those of this bag are not.");
    if constexpr (std::ranges::input_range<T>) {
        using R = detail::element_type<std::ranges::range_value_t<T>>;
        using Stage = detail::FlattenStream<T, R>;
        return Bag<R>(detail::stage_node(std::move(node_), "flatten", {},
                                         detail::plain_stage_part<Stage, T>(), false,
                                         !detail::is_copyable<R>, &detail::element_operations<R>));
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F>
auto Bag<T>::map_partitions_moved(F f) && {
    constexpr bool accepted = detail::takes_vector<F, T> || detail::takes_span<F, T>;
    static_assert(
        accepted,
        "satchel: map_partitions' function must take a std::vector<T> or a std::span<const T>, "
        "where T is the element type of the bag.");
    if constexpr (accepted) {
        using Result = typename detail::PartitionResult<F, T>::type;
        if constexpr (detail::check_copyable<F>() && detail::check_result<Result>()) {
            using R = typename detail::PartitionElement<Result>::type;
            using Stage = detail::PartitionStream<T, R, F>;
            const auto token = detail::function_token(f);
            return Bag<R>(detail::stage_node(std::move(node_), "map_partitions", token,
                                             detail::stage_part<Stage, T>(std::move(f)), false,
                                             !detail::is_copyable<T>,
                                             &detail::element_operations<R>));
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
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
        auto items = std::exchange(partition, Value()).template take<Stored>();
        for (auto& element : items) all.push_back(std::move(element));
    }
    return all;
}

template <class T>
Bag<T> Bag<T>::persist(const Executor& executor, const RunOptions& options) const {
    return stored(detail::keep_nodes({node_}, executor, options));
}

template <class T>
Bag<T> Bag<T>::stored(std::vector<Value> partitions) const {
    if (auto kept = detail::kept_node(partitions, *node_)) return Bag(std::move(kept));
    const auto& made = node_->description;
    return Bag(detail::stored_node<T>(std::make_shared<std::vector<Value>>(std::move(partitions)),
                                      made.name, made.token));
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
         .sink = detail::sink_part<&detail::take_from_partition<T>>(static_cast<std::uint64_t>(k)),
         .inputs = {{.kind = detail::NodeInput::Kind::stream, .node = node_},
                    {.kind = detail::NodeInput::Kind::self}}});
    auto taken = detail::compute_last(std::move(head), executor).template take<detail::Items<T>>();
    if (taken.size() < static_cast<std::size_t>(k)) {
        detail::warn_short_take(k, taken.size(), count == npartitions());
    }
    // No braces: a std::any can be made of an iterator.
    return std::vector<T>(std::make_move_iterator(taken.begin()),
                          std::make_move_iterator(taken.end()));
}

template <class T>
template <class Write>
void Bag<T>::for_each_partition(Write write, PartitionsOptions options) const {
    constexpr bool accepted = std::is_invocable_v<Write&, std::vector<T>>;
    static_assert(accepted,
                  "satchel: for_each_partition's `write` takes a std::vector<T>: the whole "
                  "partition, by value or as const std::vector<T>&. Loop over its elements there.");
    if constexpr (accepted) {
        const auto executor = options.executor.resolve();
        detail::PartitionMaker maker(node_, *executor, {});
        std::uint32_t next = 0;
        detail::run_stream(
            *executor, "for_each_partition", options.window,
            [&]() -> std::optional<Graph> {
                if (next == node_->description.count) return std::nullopt;
                return maker.partition(next++);
            },
            [&](Value partition) {
                std::vector<Value> one;
                one.push_back(std::move(partition));
                write(extract(std::move(one)));
            });
    }
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

// ---- more element-wise operations ---------------------------------------------------------------

template <class T>
template <class F, class E, class... Extra>
auto Bag<T>::map(F f, E extra, Extra... extras) const {
    if constexpr (detail::check_extra<F, T, E, Extra...>()) {
        using R = detail::element_result<F, T, detail::extra_argument<E>,
                                         detail::extra_argument<Extra>...>;
        const auto token = detail::function_token(f);
        using Stage = detail::ZipStream<T, R, F, E, Extra...>;
        return Bag<R>(detail::zip_node<Stage, R>(node_, "map", token, std::move(f),
                                                 std::move(extra), std::move(extras)...));
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F>
auto Bag<T>::starmap(F f) const {
    static_assert(detail::TupleLike<T>,
                  "satchel: starmap() needs elements that are tuples, pairs or arrays.");
    static_assert(
        !detail::TupleLike<T> || detail::applicable_to_element<F, T>,
        "satchel: starmap()'s function must take as many arguments as an element has parts, "
        "of types that these convert to.");
    if constexpr (detail::applicable_to_element<F, T>) {
        const auto token = detail::function_token(f);
        return Bag(*this).map_moved(detail::Starred<F>{std::move(f)}, "starmap", token);
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F>
Bag<T> Bag<T>::remove(F predicate) const {
    if constexpr (detail::check_predicate<F, T>()) {
        const auto token = detail::function_token(predicate);
        return Bag(*this).filter_moved(detail::Negated<F>{std::move(predicate)}, "remove", token);
    } else {
        return *this;
    }
}

template <class T>
template <std::size_t I>
auto Bag<T>::pluck() const {
    static_assert(detail::TupleLike<T>,
                  "satchel: pluck<I>() needs elements that are tuples, pairs or arrays.");
    static_assert(!detail::TupleLike<T> || detail::has_part<T, I>,
                  "satchel: pluck<I>() needs elements with more than I parts.");
    if constexpr (detail::has_part<T, I>) {
        return Bag(*this).map_moved(detail::PluckPart<I>{}, "pluck", Token::of("part").then(I));
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class Key>
auto Bag<T>::pluck(Key key) const {
    if constexpr (std::is_member_pointer_v<Key>) {
        return Bag(*this).map_moved(std::move(key), "pluck", detail::function_token(key));
    } else {
        using K = detail::element_type<Key>;
        if constexpr (detail::check_key_of<T, K>()) {
            const auto token = detail::value_token(key);
            return Bag(*this).map_moved(detail::PluckKey<K>{K(std::move(key))}, "pluck", token);
        } else {
            return detail::Refused();
        }
    }
}

template <class T>
template <class Key, class Default>
auto Bag<T>::pluck(Key key, Default otherwise) const {
    using K = detail::element_type<Key>;
    if constexpr (detail::check_key_of<T, K>()) {
        using R = detail::found_at<T, K>;
        if constexpr (detail::check_default<R, Default>()) {
            const auto token = detail::value_token(key).then(detail::value_token(otherwise));
            return Bag(*this).map_moved(
                detail::PluckOr<K, R>{K(std::move(key)),
                                      detail::default_as<R>(std::move(otherwise))},
                "pluck", token);
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
    }
}

template <class T>
auto Bag<T>::unzip() const {
    static_assert(detail::TupleLike<T>,
                  "satchel: unzip() needs elements that are tuples, pairs or arrays.");
    if constexpr (detail::TupleLike<T>) {
        return [this]<std::size_t... I>(std::index_sequence<I...>) {
            return std::tuple<Bag<std::remove_cvref_t<std::tuple_element_t<I, T>>>...>{
                pluck<I>()...};
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else {
        return detail::Refused();
    }
}

template <class T>
Bag<T> Bag<T>::random_sample(double p, std::optional<std::uint64_t> seed) const {
    detail::check_probability(p);
    const detail::SampleState state{p, detail::seed_or_random(seed)};
    auto part = detail::stream_part<&detail::make_random_sample<T>>(state);
    const auto token = Token::of("p").then(std::bit_cast<std::uint64_t>(p)).then(state.seed);
    return Bag(detail::stage_node(node_, "random_sample", token, std::move(part), true, false,
                                  &detail::element_operations<T>));
}

template <class T>
template <class F>
Bag<T> Bag<T>::accumulate(F binop) const {
    constexpr bool accepted = std::is_invocable_r_v<T, F&, T, const T&>;
    static_assert(accepted,
                  "satchel: accumulate() without an initial value needs a function of two elements "
                  "that returns one.");
    if constexpr (accepted && detail::check_copyable<F>() && detail::check_accumulated<T>()) {
        const auto token = detail::function_token(binop);
        return Bag(detail::accumulate_node<T, T, F>(node_, token, std::move(binop), std::nullopt));
    } else {
        return *this;
    }
}

template <class T>
template <class F, class Acc>
auto Bag<T>::accumulate(F binop, Acc initial) const {
    using Given = detail::element_type<Acc>;
    constexpr bool accepted = std::is_invocable_v<F&, Given, const T&>;
    static_assert(accepted,
                  "satchel: accumulate()'s function must take two arguments, by value or const "
                  "reference: what was accumulated so far, which begins as the initial value, and "
                  "an element of this bag.");
    if constexpr (accepted) {
        using Result = std::decay_t<std::invoke_result_t<F&, Given, const T&>>;
        if constexpr (detail::check_copyable<F>() && detail::check_result<Result>() &&
                      detail::check_accumulated<Result>()) {
            const auto token = detail::function_token(binop).then(detail::value_token(initial));
            return Bag<Result>(detail::accumulate_node<T, Result, F>(node_, token, std::move(binop),
                                                                     Result(std::move(initial))));
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F, class E, class... Extra>
auto Bag<T>::map_partitions(F f, E extra, Extra... extras) const {
    if constexpr (detail::check_partition_extra<F, T, E, Extra...>()) {
        using Result = detail::partition_extra_result<F, T, E, Extra...>;
        using R = typename detail::PartitionElement<Result>::type;
        using Stage = detail::ZipPartitionStream<T, R, F, E, Extra...>;
        const auto token = detail::function_token(f);
        return Bag<R>(detail::zip_node<Stage, R>(node_, "map_partitions", token, std::move(f),
                                                 std::move(extra), std::move(extras)...));
    } else {
        return detail::Refused();
    }
}

// ---- reshaping, and bags from bags --------------------------------------------------------------

template <class T>
Bag<T> Bag<T>::repartition(RepartitionOptions options) const {
    detail::check_repartition(options.npartitions.has_value(), options.partition_size.has_value());
    if (options.npartitions) {
        return Bag(detail::repartition_node<T>(
            node_, detail::checked_partitions(*options.npartitions, "repartition")));
    }
    const auto limit = detail::checked_partition_bytes(*options.partition_size);
    if constexpr (detail::Measurable<T>) {
        auto partitions = detail::compute_nodes({node_}, *default_executor(), {});
        return Bag(
            detail::regrouped_node<T>(std::move(partitions), node_->description.token, limit));
    } else {
        detail::throw_not_measurable();
    }
}

template <class T>
Bag<T> from_delayed(const std::vector<Delayed<std::vector<T>>>& partitions) {
    if (partitions.empty()) return from_sequence(std::vector<T>{});
    std::vector<detail::NodePtr> nodes;
    for (const auto& partition : partitions) {
        if constexpr (std::is_same_v<T, bool>) {
            nodes.push_back(
                partition.apply([](const std::vector<bool>& x) { return detail::BoolItems(x); })
                    .node());
        } else {
            nodes.push_back(partition.node());
        }
    }
    return Bag<T>(detail::concat_node(nodes, "from_delayed", &detail::element_operations<T>));
}

template <class T>
Bag<T> concat(const std::vector<Bag<T>>& bags) {
    if (bags.empty()) return from_sequence(std::vector<T>{});
    std::vector<detail::NodePtr> nodes;
    nodes.reserve(bags.size());
    for (const auto& bag : bags) nodes.push_back(bag.node());
    return Bag<T>(detail::concat_node(nodes, "concat", &detail::element_operations<T>));
}

template <class B>
requires std::derived_from<B, Bag<typename B::value_type>> Bag<typename B::value_type> concat(
    const std::vector<B>& bags) {
    using T = typename B::value_type;
    return concat(std::vector<Bag<T>>(bags.begin(), bags.end()));
}

template <class T, class... Rest>
Bag<T> concat(const Bag<T>& first, const Rest&... rest) {
    constexpr bool accepted = (std::is_convertible_v<const Rest&, const Bag<T>&> && ...);
    static_assert(accepted,
                  "satchel: concat() needs bags of one element type; map one of them to the "
                  "other's.");
    if constexpr (accepted) {
        return concat(std::vector<Bag<T>>{first, rest...});
    } else {
        return first;
    }
}

template <class T, class... Rest>
Bag<std::tuple<T, Rest...>> zip(const Bag<T>& first, const Bag<Rest>&... rest) {
    using Tuple = std::tuple<T, Rest...>;
    const auto make = [](T one, Rest... others) {
        return Tuple(std::move(one), std::move(others)...);
    };
    using Make = std::remove_const_t<decltype(make)>;
    using Stage = detail::ZipStream<T, Tuple, Make, Bag<Rest>...>;
    return Bag<Tuple>(detail::zip_node<Stage, Tuple>(first.node(), "zip", {}, Make(make), rest...));
}

}  // namespace satchel
