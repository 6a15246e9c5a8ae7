// Whether two keys are the same: equal, except that every NaN is the same key, also one inside of a
// pair, a vector or a simple aggregate, as stable_hash sees it.
#pragma once

#include <satchel/stable_hash.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel::detail {

/// Whether an object of type `T` may hold a NaN that can be found: `depth` bounds the search in
/// types that hold themselves.
template <class T, std::size_t depth = 4>
constexpr bool may_hold_nan() {
    if constexpr (std::is_floating_point_v<T>) {
        return true;
    } else if constexpr (depth == 0 || std::is_scalar_v<T> || std::is_same_v<T, Bytes> ||
                         std::is_convertible_v<const T&, std::string_view> || PathLike<T>) {
        return false;
    } else if constexpr (std::ranges::input_range<const T>) {
        // Without an order, parts cannot be compared one by one; and a range of the user's may be
        // more than its elements.
        if constexpr (requires { typename T::hasher; } || !is_standard<T>()) return false;
        return may_hold_nan<std::remove_cvref_t<std::ranges::range_reference_t<const T>>,
                            depth - 1>();
    } else if constexpr (TupleLike<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (may_hold_nan<std::remove_cvref_t<std::tuple_element_t<I, T>>, depth - 1>() ||
                    ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (OptionalLike<T>) {
        return may_hold_nan<std::remove_cvref_t<decltype(*std::declval<const T&>())>, depth - 1>();
    } else if constexpr (VariantLike<T>) {
        return []<template <class...> class V, class... A>(const V<A...>*) {
            // What derives from a variant may be more than its alternative.
            return sizeof(T) == sizeof(V<A...>) && (may_hold_nan<A, depth - 1>() || ...);
        }(static_cast<const T*>(nullptr));
    } else if constexpr (hashes_by_members<T>) {
        return []<class... M>(TypeList<M...>) {
            return (may_hold_nan<std::remove_cvref_t<M>, depth - 1>() || ...);
        }(member_types<T>{});
    } else {
        return false;
    }
}

template <class T>
bool has_same_parts(const T& one, const T& other);

/// Mostly words, and asked of each that is looked up.
inline bool is_same_key(const std::string& one, const std::string& other) noexcept {
    return is_same_string(one, other);
}

/// `other` is a key, or what one is made of.
template <class T, class Other>
bool is_same_key(const T& one, const Other& other) {
    constexpr bool compares = requires { static_cast<bool>(one == other); };
    if constexpr (compares) {
        if (one == other) return true;
    }
    if constexpr (std::is_same_v<T, Other> && may_hold_nan<T>()) {
        // Only what is not even equal to itself holds a NaN.
        if constexpr (compares) {
            if (one == one || other == other) return false;
        }
        return has_same_parts(one, other);
    } else {
        return false;
    }
}

/// REQUIRES: may_hold_nan<T>().
template <class T>
bool has_same_parts(const T& one, const T& other) {
    if constexpr (std::is_floating_point_v<T>) {
        return one != one && other != other;
    } else if constexpr (std::ranges::input_range<const T>) {
        auto at = std::ranges::begin(one);
        auto other_at = std::ranges::begin(other);
        for (; at != std::ranges::end(one) && other_at != std::ranges::end(other);
             ++at, ++other_at) {
            if (!is_same_key(*at, *other_at)) return false;
        }
        return at == std::ranges::end(one) && other_at == std::ranges::end(other);
    } else if constexpr (TupleLike<T>) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (is_same_key(std::get<I>(one), std::get<I>(other)) && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (OptionalLike<T>) {
        return one.has_value() && other.has_value() && is_same_key(*one, *other);
    } else if constexpr (VariantLike<T>) {
        if (one.index() != other.index() || one.valueless_by_exception()) return false;
        return visit(
            [](const auto& part, const auto& other_part) {
                using Part = std::decay_t<decltype(part)>;
                if constexpr (std::is_same_v<Part, std::decay_t<decltype(other_part)>>) {
                    return is_same_key(part, other_part);
                } else {
                    return false;
                }
            },
            one, other);
    } else {
        return visit_members(one, [&](const auto&... member) {
            return visit_members(other, [&](const auto&... other_member) {
                return (is_same_key(member, other_member) && ...);
            });
        });
    }
}

}  // namespace satchel::detail
