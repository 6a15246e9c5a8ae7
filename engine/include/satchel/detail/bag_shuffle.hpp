// Bag's groupby, join and product. Included by bag.hpp.
#pragma once

#include <satchel/bag.hpp>
#include <satchel/detail/join.hpp>
#include <satchel/detail/shuffle.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {

namespace detail {

/// How many partitions a shuffle makes. Throws InvalidArgument.
[[nodiscard]] std::uint32_t checked_outputs(std::optional<std::int64_t> npartitions,
                                            std::uint32_t otherwise, const char* operation);
/// The side of a join that is to go along with all partitions of the other one, if any. Throws
/// InvalidArgument if `options` contradict themselves.
[[nodiscard]] std::optional<Side> broadcast_side(const JoinOptions& options,
                                                 std::int64_t left_partitions,
                                                 std::int64_t right_partitions);

/// Refuses, in words, a key by which elements of type `T` cannot be brought together.
template <class F, class T>
constexpr bool check_shuffle_key() {
    if constexpr (check_key<F, T>()) {
        using K = key_result<F, T>;
        static_assert(
            StablyHashable<K>,
            "satchel: groupby() and join() need keys that satchel::stable_hash knows: numbers, "
            "enums, strings, tuples, ranges, optionals, simple aggregates. Give their type a "
            "std::uint64_t stable_hash(const Key&) in its namespace (a std::hash is not enough: it "
            "may differ from one process to the next).");
        static_assert(std::equality_comparable<K>,
                      "satchel: groupby() and join() need keys that can be compared by ==. Give "
                      "their type an operator==; = default may do.");
        return StablyHashable<K> && std::equality_comparable<K>;
    } else {
        return false;
    }
}

/// Whether a `K` can be any number that a `From` can be.
template <class K, class From>
inline constexpr bool holds_all = std::numeric_limits<From>::digits <=
                                      std::numeric_limits<K>::digits &&
                                  (std::is_signed_v<K> ||
                                   std::is_unsigned_v<From>)&&(std::is_floating_point_v<K> ||
                                                               std::is_integral_v<From>);

/// The type as which keys of two types can meet: theirs, or that of numbers which holds all of
/// both. Else void.
template <class A, class B>
auto common_key() {
    if constexpr (std::is_same_v<A, B>) {
        return std::type_identity<A>();
    } else if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>) {
        using K = std::common_type_t<A, B>;
        using Common = std::conditional_t<holds_all<K, A> && holds_all<K, B>, K, void>;
        return std::type_identity<Common>();
    } else {
        return std::type_identity<void>();
    }
}

/// A key as a `K`.
template <class F, class K>
struct KeyAs {
    F key;
    [[nodiscard]] Token token() const { return function_token(key); }
    template <class T>
    requires std::is_invocable_v<const F&, const T&> K operator()(const T& x) const {
        return static_cast<K>(detail::invoke(key, x));
    }
};
template <class K, class T, class F>
auto key_as(F key) {
    if constexpr (std::is_same_v<key_result<F, T>, K>) {
        return key;
    } else {
        return KeyAs<F, K>{std::move(key)};
    }
}

/// What a bag is joined with: a bag, a Delayed of a vector, or a range.
template <class U>
Bag<U> bag_to_join(const Bag<U>& other) {
    return other;
}
template <class U>
Bag<U> bag_to_join(const Delayed<std::vector<U>>& other) {
    return from_delayed(std::vector{other});
}
template <std::ranges::input_range Range>
auto bag_to_join(const Range& other) {
    return from_sequence(other, {.npartitions = 1});
}

template <class T, class U, class F, class G>
NodePtr join_bags(const NodePtr& self, const NodePtr& other, F on_self, G on_other,
                  const JoinOptions& options) {
    const auto token = Token::of("join")
                           .then(function_token(on_self))
                           .then(function_token(on_other))
                           .then(self->description.token)
                           .then(other->description.token);
    const auto left = self->description.count;
    const auto right = other->description.count;
    const auto side = broadcast_side(options, left, right);
    if (side == Side::right) {
        return map_join_node<true, U, T>(self, other, token.then(1).then(1), std::move(on_self),
                                         std::move(on_other));
    }
    if (side == Side::left) {
        return map_join_node<false, T, U>(other, self, token.then(1).then(2), std::move(on_other),
                                          std::move(on_self));
    }
    return join_node<T, U>(self, other, token, std::move(on_self), std::move(on_other),
                           checked_outputs(options.npartitions, std::max(left, right), "join"));
}

}  // namespace detail

template <class T>
template <class F>
auto Bag<T>::groupby(F key, GroupbyOptions options) const {
    if constexpr (detail::check_shuffle_key<F, T>()) {
        using K = detail::key_result<F, T>;
        const auto outputs =
            detail::checked_outputs(options.npartitions, node_->description.count, "groupby");
        const auto token = detail::function_token(key);
        return Bag<std::pair<K, std::vector<T>>>(
            detail::groupby_node<T>(node_, token, std::move(key), outputs));
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class Other, class F, class G>
requires(!std::is_same_v<G, JoinOptions>) auto Bag<T>::join(const Other& other, F on_self,
                                                            G on_other, JoinOptions options) const {
    static_assert(
        requires { detail::bag_to_join(other); },
        "satchel: join() needs a Bag, a Delayed<std::vector<U>> or a range to join with.");
    const auto right = detail::bag_to_join(other);
    using U = typename decltype(right)::value_type;
    constexpr bool left_is_fine = detail::check_shuffle_key<F, T>();
    constexpr bool right_is_fine = detail::check_shuffle_key<G, U>();
    if constexpr (left_is_fine && right_is_fine) {
        using Keys =
            decltype(detail::common_key<detail::key_result<F, T>, detail::key_result<G, U>>());
        using K = typename Keys::type;
        constexpr bool has_common_key = !std::is_void_v<K>;
        static_assert(has_common_key,
                      "satchel: the two functions of this join() give keys of different types. "
                      "Make them return the same type, or numbers that fit into one: only equal "
                      "keys of one type are sure to meet.");
        constexpr bool copyable = detail::is_copyable<T> && detail::is_copyable<U>;
        static_assert(copyable,
                      "satchel: join() may give an element several times, so the elements of both "
                      "bags must be copyable.");
        if constexpr (has_common_key && copyable) {
            return Bag<std::pair<U, T>>(detail::join_bags<T, U>(
                node_, right.node(), detail::key_as<K, T>(std::move(on_self)),
                detail::key_as<K, U>(std::move(on_other)), options));
        } else {
            return detail::Refused();
        }
    } else {
        return detail::Refused();
    }
}

template <class T>
template <class Other, class F>
auto Bag<T>::join(const Other& other, F on, JoinOptions options) const {
    return join(other, on, on, options);
}

template <class T>
template <class U>
Bag<std::pair<T, U>> Bag<T>::product(const Bag<U>& other) const {
    constexpr bool copyable = detail::is_copyable<T> && detail::is_copyable<U>;
    static_assert(copyable,
                  "satchel: product() gives elements several times, so the elements of both bags "
                  "must be copyable.");
    if constexpr (copyable) {
        return Bag<std::pair<T, U>>(detail::product_node<T, U>(node_, other.node()));
    } else {
        return *this;
    }
}

}  // namespace satchel
