// What C++20 can find out about the members of a simple aggregate: how many there are, of which
// types, and where. So that a struct of a few members travels without a line of code.
//
// Members are counted by how many initialisers the type takes, and reached by structured bindings.
// Left out, because these two would disagree or an object could not be made again: bases, unions,
// arrays, references, and more than 16 members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace satchel::detail {

/// Whether `T` is declared in std, told by its name: so that containers are known, and types of
/// users that only look like one are not, without including the header of each.
template <class T>
consteval bool is_standard() {
    return std::string_view(__PRETTY_FUNCTION__).find("T = std::") != std::string_view::npos;
}

inline constexpr std::size_t aggregate_members_max = 16;
inline constexpr std::size_t not_simple = SIZE_MAX;

// Stand-ins for initialisers, never defined: for any value, for what only a reference, a union or a
// base class accepts.
struct AnyValue {
    template <class T>
    operator T() const;  // NOLINT(google-explicit-constructor)
};
struct AnyReference {
    template <class T>
    operator T&() const;  // NOLINT(google-explicit-constructor)
};
struct AnyUnion {
    template <class T>
    requires std::is_union_v<T>
    operator T() const;  // NOLINT(google-explicit-constructor)
};
template <class Whole>
struct AnyBase {
    template <class T>
    // NOLINTNEXTLINE(google-explicit-constructor)
    requires(std::is_base_of_v<T, Whole> && !std::is_same_v<T, Whole>) operator T() const;
};
template <std::size_t>
using AnyValueAt = AnyValue;

template <class T, class... A>
concept MadeFrom = requires {
    T{std::declval<A>()...};
};

/// `T` can be made from `N` values and, after them, `More…`.
template <class T, class Indices, class... More>
inline constexpr bool takes_values = false;
template <class T, std::size_t... I, class... More>
inline constexpr bool takes_values<T, std::index_sequence<I...>, More...> =
    MadeFrom<T, AnyValueAt<I>..., More...>;

/// `T` can be made from values, with `{}` among them.
template <class T, class Before, class After>
inline constexpr bool takes_braces = false;
template <class T, std::size_t... B, std::size_t... A>
inline constexpr bool takes_braces<T, std::index_sequence<B...>, std::index_sequence<A...>> =
    requires {
    T{AnyValueAt<B>()..., {}, AnyValueAt<A>()...};
};

// Whether one of the members is an array. Such a one takes several initialisers, or one `{}`: there
// is then room for fewer after it.
template <class T, std::size_t Before, std::size_t After>
consteval bool braces_take_several() {
    if constexpr (After == 0) {
        return false;
    } else {
        return takes_braces<T, std::make_index_sequence<Before>,
                            std::make_index_sequence<After - 1>> ||
               braces_take_several<T, Before, After - 1>();
    }
}
template <class T, std::size_t N, std::size_t Before = 0>
consteval bool has_array() {
    if constexpr (Before + 1 >= N) {
        return false;
    } else if constexpr (!takes_braces<T, std::make_index_sequence<Before>,
                                       std::make_index_sequence<N - Before - 1>> &&
                         braces_take_several<T, Before, N - Before - 1>()) {
        return true;
    } else {
        return has_array<T, N, Before + 1>();
    }
}

template <class T, std::size_t... I>
consteval bool has_union(std::index_sequence<I...>) {
    return (takes_values<T, std::make_index_sequence<I>, AnyUnion> || ...);
}

template <class T, std::size_t N = aggregate_members_max + 1>
consteval std::size_t count_initialisers() {
    if constexpr (takes_values<T, std::make_index_sequence<N>>) {
        return N;
    } else if constexpr (N == 0) {
        return not_simple;
    } else {
        return count_initialisers<T, N - 1>();
    }
}

template <class T>
consteval std::size_t count_members() {
    if constexpr (!std::is_aggregate_v<T> || std::is_union_v<T> || std::is_array_v<T>) {
        return not_simple;
    } else {
        constexpr auto count = count_initialisers<T>();
        if constexpr (count > aggregate_members_max || MadeFrom<T, AnyBase<T>>) {
            return not_simple;
        } else if constexpr (takes_values<T, std::make_index_sequence<count>, AnyReference>) {
            return not_simple;
        } else if constexpr (has_array<T, count>() ||
                             has_union<T>(std::make_index_sequence<count>())) {
            return not_simple;
        } else {
            return count;
        }
    }
}
/// How many members a simple aggregate has; `not_simple` for all other types.
template <class T>
inline constexpr std::size_t member_count = count_members<T>();

/// f(member…) for a simple aggregate.
template <class T, class F>
constexpr decltype(auto) visit_members(const T& x, F&& f) {
    constexpr auto n = member_count<T>;
    // clang-format off
    if constexpr (n == 0) { return f(); }
    else if constexpr (n == 1) { const auto& [a] = x; return f(a); }
    else if constexpr (n == 2) { const auto& [a, b] = x; return f(a, b); }
    else if constexpr (n == 3) { const auto& [a, b, c] = x; return f(a, b, c); }
    else if constexpr (n == 4) { const auto& [a, b, c, d] = x; return f(a, b, c, d); }
    else if constexpr (n == 5) { const auto& [a, b, c, d, e] = x; return f(a, b, c, d, e); }
    else if constexpr (n == 6) { const auto& [a, b, c, d, e, g] = x; return f(a, b, c, d, e, g); }
    else if constexpr (n == 7) {
        const auto& [a, b, c, d, e, g, h] = x; return f(a, b, c, d, e, g, h);
    } else if constexpr (n == 8) {
        const auto& [a, b, c, d, e, g, h, i] = x; return f(a, b, c, d, e, g, h, i);
    } else if constexpr (n == 9) {
        const auto& [a, b, c, d, e, g, h, i, j] = x; return f(a, b, c, d, e, g, h, i, j);
    } else if constexpr (n == 10) {
        const auto& [a, b, c, d, e, g, h, i, j, k] = x; return f(a, b, c, d, e, g, h, i, j, k);
    } else if constexpr (n == 11) {
        const auto& [a, b, c, d, e, g, h, i, j, k, l] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l);
    } else if constexpr (n == 12) {
        const auto& [a, b, c, d, e, g, h, i, j, k, l, m] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l, m);
    } else if constexpr (n == 13) {
        const auto& [a, b, c, d, e, g, h, i, j, k, l, m, o] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l, m, o);
    } else if constexpr (n == 14) {
        const auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l, m, o, p);
    } else if constexpr (n == 15) {
        const auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q);
    } else {
        static_assert(n == aggregate_members_max);
        const auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r] = x;
        return f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r);
    }
    // clang-format on
}

template <class... T>
struct TypeList {};
struct TypesOf {
    template <class... T>
    TypeList<T...> operator()(const T&...) const {
        return {};
    }
};
/// The types of the members of a simple aggregate, as a TypeList.
template <class T>
using member_types = decltype(visit_members(std::declval<const T&>(), TypesOf{}));

}  // namespace satchel::detail
