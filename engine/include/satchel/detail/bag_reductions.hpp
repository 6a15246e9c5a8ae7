// The reductions of Bag that are more than a line. Included by bag.hpp.
#pragma once

#include <satchel/bag.hpp>

namespace satchel {

namespace detail {

/// Refuses, in words, functions that make no reduction of a bag of `T`.
template <class T, class F, class A>
constexpr bool check_reduction() {
    constexpr bool takes_partition = takes_vector<F, T> || takes_span<F, T>;
    static_assert(takes_partition,
                  "satchel: reduction's first function must take a std::vector<T> or a "
                  "std::span<const T>, where T is the element type of the bag.");
    if constexpr (takes_partition) {
        using P = typename PartitionResult<F, T>::type;
        if constexpr (check_result<P>()) {
            constexpr bool takes_results = callable_with<A, std::vector<P>>;
            static_assert(takes_results,
                          "satchel: reduction's second function must take a std::vector of what "
                          "the first one returns.");
            if constexpr (takes_results) return check_result<call_result<A, std::vector<P>>>();
        }
    }
    return false;
}

}  // namespace detail

template <class T>
template <class F, class A>
auto Bag<T>::reduction(F per_partition, A aggregate, ReductionOptions options) const {
    if constexpr (detail::check_reduction<T, F, A>()) {
        using P = typename detail::PartitionResult<F, T>::type;
        using R = detail::call_result<A, std::vector<P>>;
        const auto token = Token::of("reduction")
                               .then(detail::function_token(per_partition))
                               .then(detail::function_token(aggregate))
                               .then(node_->description.token);
        return Delayed<R>(detail::reduce_by<T, P, R>(node_, "reduction", options.split_every, token,
                                                     std::move(per_partition),
                                                     std::move(aggregate)));
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class F, class C>
requires(!std::is_same_v<C, ReductionOptions>) Delayed<T> Bag<T>::fold(F binop, C combine,
                                                                       ReductionOptions options)
const {
    static_assert(std::is_invocable_v<F&, T, T>,
                  "satchel: fold without an initial value begins with the first element, so its "
                  "function must take two elements. Pass `combine` and `initial` to fold into "
                  "another type.");
    constexpr bool gives_element = requires(F & function, T one, T other) {
        { function(std::move(one), std::move(other)) } -> std::convertible_to<T>;
    };
    static_assert(!std::is_invocable_v<F&, T, T> || gives_element,
                  "satchel: fold without an initial value must return what it folds: an element. "
                  "Pass `combine` and `initial` to fold into another type.");
    static_assert(detail::check_assignable<T>());
    static_assert(
        std::is_invocable_v<C&, T, T>,
        "satchel: `combine` must take two elements, and join them. To begin with a value, "
        "write fold(binop, combine, initial).");
    using Reducer = detail::SymmetricFoldReducer<T, F, C>;
    const auto token = detail::function_token(binop).then(detail::function_token(combine));
    return reduced("fold", options, Reducer{std::move(binop), std::move(combine), std::nullopt},
                   token);
}

namespace detail {

/// What `F` makes of an initial value `Acc` and an element. It may be wider than that was written:
/// fold(plus, plus, 0) of doubles.
template <class T, class F, class Acc>
using folded = std::decay_t<std::invoke_result_t<F&, element_type<Acc>, T>>;

/// Refuses, in words, what does not fold elements of type `T` into an `Acc`.
template <class T, class F, class Acc>
constexpr bool check_folded() {
    constexpr bool accepted = std::is_invocable_v<F&, element_type<Acc>, T>;
    static_assert(
        accepted,
        "satchel: this function must take two arguments, by value or const reference: what "
        "was folded so far, which begins as the initial value, and an element of this "
        "bag.");
    if constexpr (accepted) {
        return check_copyable<F>() && check_result<folded<T, F, Acc>>();
    } else {
        return false;
    }
}
/// The same, and what does not join two results.
template <class T, class F, class C, class Acc>
constexpr bool check_fold() {
    if constexpr (check_folded<T, F, Acc>()) {
        using Result = folded<T, F, Acc>;
        constexpr bool joins = std::is_invocable_v<C&, Result, Result>;
        static_assert(joins, "satchel: `combine` must take two results of `binop`, and join them.");
        return joins && check_copyable<C>() && check_assignable<Result>();
    } else {
        return false;
    }
}

/// Refuses, in words, keys by which elements cannot be told apart.
template <class F, class T>
constexpr bool check_distinct() {
    if constexpr (check_key<F, T>()) {
        constexpr bool hashable = HashableKey<key_result<F, T>>;
        static_assert(
            hashable,
            "satchel: distinct() needs elements (or keys) that can be hashed. Give their type "
            "a stable_hash overload, or a std::hash.");
        return hashable;
    } else {
        return false;
    }
}
template <class F, class T>
constexpr bool check_foldby_key() {
    if constexpr (check_key<F, T>()) {
        constexpr bool hashable = HashableKey<key_result<F, T>>;
        static_assert(
            hashable,
            "satchel: foldby() needs keys that can be hashed. Give their type a stable_hash "
            "overload, or a std::hash.");
        return hashable;
    } else {
        return false;
    }
}

/// The fold reducer that makes `initial` count once, and begins partitions accordingly.
template <class T, class F, class C, class Acc>
auto fold_reducer(F binop, C combine, Acc initial) {
    using Given = element_type<Acc>;
    using Result = folded<T, F, Acc>;
    // Two objects of a type with state may well do different things.
    if constexpr (std::is_same_v<F, C> && std::is_empty_v<F> && std::is_same_v<Result, T> &&
                  std::is_convertible_v<Given, T>) {
        return SymmetricFoldReducer<T, F, C>{std::move(binop), std::move(combine),
                                             T(std::move(initial))};
    } else {
        return SeededFoldReducer<Result, F, C>::make(std::move(binop), std::move(combine),
                                                     Result(std::move(initial)));
    }
}

}  // namespace detail

template <class T>
template <class F, class C, class Acc>
requires(!std::is_same_v<Acc, ReductionOptions>) auto Bag<T>::fold(F binop, C combine, Acc initial,
                                                                   ReductionOptions options) const {
    if constexpr (detail::check_fold<T, F, C, Acc>()) {
        const auto token = detail::function_token(binop)
                               .then(detail::function_token(combine))
                               .then(detail::value_token(initial));
        return reduced(
            "fold", options,
            detail::fold_reducer<T>(std::move(binop), std::move(combine), std::move(initial)),
            token);
    } else {
        return detail::Refused();
    }
}

template <class T>
Delayed<double> Bag<T>::var(std::int64_t ddof, ReductionOptions options) const {
    static_assert(std::is_arithmetic_v<T>, "satchel: var() needs a bag of numbers.");
    return reduced("var", options, detail::VarianceReducer<T>{ddof, false},
                   detail::value_token(ddof));
}
template <class T>
Delayed<double> Bag<T>::std(std::int64_t ddof, ReductionOptions options) const {
    static_assert(std::is_arithmetic_v<T>, "satchel: std() needs a bag of numbers.");
    return reduced("std", options, detail::VarianceReducer<T>{ddof, true},
                   detail::value_token(ddof));
}

template <class T>
Bag<std::pair<T, std::size_t>> Bag<T>::frequencies(FrequenciesOptions options) const {
    static_assert(detail::HashableKey<T>,
                  "satchel: frequencies() needs elements that can be hashed. Give their type a "
                  "stable_hash overload, or a std::hash.");
    return reduced_bag<std::pair<T, std::size_t>>("frequencies", options.split_every,
                                                  Token::of(options.sort ? "sorted" : "first-seen"),
                                                  detail::FrequenciesReducer<T>{options.sort});
}

template <class T>
template <class F>
requires(!std::is_same_v<F, ReductionOptions>) Bag<T> Bag<T>::topk(std::int64_t k, F key,
                                                                   ReductionOptions options)
const {
    if constexpr (detail::check_ranks<F, T>()) {
        const auto count = detail::checked_number(k, "topk");
        const auto token = detail::function_token(key).then(count);
        return reduced_bag<T>("topk", options.split_every, token,
                              detail::TopkReducer<T, F>{std::move(key), count});
    } else {
        return *this;
    }
}

template <class T>
template <class F>
requires(!std::is_same_v<F, ReductionOptions>) Bag<T> Bag<T>::distinct(F key,
                                                                       ReductionOptions options)
const {
    if constexpr (detail::check_distinct<F, T>()) {
        const auto token = detail::function_token(key);
        return reduced_bag<T>("distinct", options.split_every, token,
                              detail::DistinctReducer<T, F>{std::move(key)});
    } else {
        return *this;
    }
}

template <class T>
template <class K, class F, class Acc, class C>
requires(!std::is_same_v<C, ReductionOptions>) auto Bag<T>::foldby(K key, F binop, Acc initial,
                                                                   C combine,
                                                                   ReductionOptions options) const {
    constexpr bool has_keys = detail::check_foldby_key<K, T>();
    constexpr bool folds = detail::check_fold<T, F, C, Acc>();
    if constexpr (has_keys && folds) {
        const auto token = detail::function_token(key)
                               .then(detail::function_token(binop))
                               .then(detail::function_token(combine))
                               .then(detail::value_token(initial));
        auto fold =
            detail::fold_reducer<T>(std::move(binop), std::move(combine), std::move(initial));
        using Fold = decltype(fold);
        using Result = decltype(fold.finish(std::declval<typename Fold::Partial>()));
        return reduced_bag<std::pair<detail::key_result<K, T>, Result>>(
            "foldby", options.split_every, token,
            detail::FoldbyReducer<T, K, Fold>{std::move(key), std::move(fold)});
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class K, class F, class Acc>
requires(!std::is_same_v<Acc, ReductionOptions>) auto Bag<T>::foldby(
    K key, F binop, Acc initial, ReductionOptions options) const {
    if constexpr (detail::check_folded<T, F, Acc>()) {
        constexpr bool same_type = std::is_same_v<detail::folded<T, F, Acc>, T>;
        static_assert(
            same_type,
            "satchel: foldby() into another type than the elements' needs a fourth argument, "
            "`combine`, that joins the results of two partitions.");
        if constexpr (same_type) {
            return foldby(std::move(key), binop, std::move(initial), binop, options);
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
    }
}

template <class T>
Bag<T> Bag<T>::sample(std::int64_t k, std::optional<std::uint64_t> seed,
                      ReductionOptions options) const {
    constexpr bool assignable = std::is_move_assignable_v<T>;
    static_assert(assignable,
                  "satchel: sample() moves elements about, so their type must be assignable.");
    const auto count = detail::checked_number(k, "sample");
    const auto own_seed = detail::seed_or_random(seed);
    if constexpr (assignable) {
        return reduced_bag<T>("sample", options.split_every,
                              Token::of("k").then(count).then(own_seed),
                              detail::SampleReducer<T>{count, own_seed});
    } else {
        return *this;
    }
}

template <class T>
Bag<T> Bag<T>::choices(std::int64_t k, std::optional<std::uint64_t> seed,
                       ReductionOptions options) const {
    constexpr bool fits = detail::is_copyable<T> && std::is_copy_assignable_v<T>;
    static_assert(fits,
                  "satchel: choices() may give an element several times, and moves elements about, "
                  "so they must be copyable and assignable.");
    const auto count = detail::checked_number(k, "choices");
    const auto own_seed = detail::seed_or_random(seed);
    if constexpr (fits) {
        return reduced_bag<T>("choices", options.split_every,
                              Token::of("k").then(count).then(own_seed),
                              detail::ChoicesReducer<T>{count, own_seed});
    } else {
        return *this;
    }
}

}  // namespace satchel
