// The small functions behind starmap, remove, pluck and random_sample: each becomes a map or a
// filter.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/counter_random.hpp>
#include <satchel/detail/pulled.hpp>
#include <satchel/stable_hash.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace satchel::detail {

/// Throws KeyError: an element has no such key.
[[noreturn]] void throw_missing_key(const std::string& key);

template <class F, class T, class... Extra>
struct IsApplicable : std::false_type {};
template <class F, class T, class... Extra>
requires TupleLike<std::remove_cvref_t<T>>
struct IsApplicable<F, T, Extra...> {
    template <std::size_t... I>
    static constexpr bool with(std::index_sequence<I...>) {
        return std::is_invocable_v<F&, decltype(std::get<I>(std::declval<T>()))..., Extra...>;
    }
    static constexpr bool value =
        with(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<T>>>());
};
/// `F` can be called with the parts of a `T` (an rvalue, or a reference), and what is extra.
template <class F, class T, class... Extra>
inline constexpr bool applicable = IsApplicable<F, T, Extra...>::value;

/// `F` can be called with the parts of elements of type `T`, or with those and a stop token, which
/// is not tried where a function of anything takes them without.
template <class F, class T>
inline constexpr bool applicable_to_element =
    std::disjunction_v<IsApplicable<F, T>, IsApplicable<F, const T&>,
                       IsApplicable<F, T, std::stop_token>,
                       IsApplicable<F, const T&, std::stop_token>>;

/// starmap: calls with the parts of a tuple.
template <class F>
struct Starred {
    F function;
    template <class T, class... Stop>
    requires applicable<F, T, Stop...>
    decltype(auto) operator()(T&& parts, Stop&&... stop) {
        const auto call = [&](auto&&... part) -> decltype(auto) {
            return detail::invoke(function, std::forward<decltype(part)>(part)...,
                                  std::forward<Stop>(stop)...);
        };
        return std::apply(call, std::forward<T>(parts));
    }
};

template <class T, std::size_t I>
struct HasPart : std::bool_constant<(I < std::tuple_size_v<T>)> {};
/// `T` has a part number `I`.
template <class T, std::size_t I>
inline constexpr bool has_part =
    std::conjunction_v<std::bool_constant<TupleLike<T>>, HasPart<T, I>>;

/// pluck of a part: moved out of an element that is given away.
template <std::size_t I>
struct PluckPart {
    template <class T, class Part = decltype(std::get<I>(std::declval<T>()))>
    requires std::is_constructible_v<std::remove_cvref_t<Part>, Part>
    auto operator()(T&& element) const {
        return std::remove_cvref_t<Part>(std::get<I>(std::forward<T>(element)));
    }
};

/// remove: the opposite of a predicate.
template <class F>
struct Negated {
    F predicate;
    template <class T, class... Stop>
    requires std::is_invocable_v<F&, T, Stop...>
    bool operator()(T&& element, Stop&&... stop) {
        return !static_cast<bool>(
            detail::invoke(predicate, std::forward<T>(element), std::forward<Stop>(stop)...));
    }
};

template <class F>
struct TakesView<Negated<F>> : TakesView<F> {};

/// Throws KeyError where a value is asked for.
struct MissingKey {
    std::string key;
    template <class T>
    operator T() const {  // NOLINT(google-explicit-constructor)
        throw_missing_key(key);
    }
};

/// Elements of type `T` are maps with keys such as `K`, or have an index and are asked for one.
template <class T, class K>
inline constexpr bool is_map_with = requires(const T& element, const K& key) {
    element.find(key)->second;
};
template <class T, class K>
inline constexpr bool is_indexed_by = std::integral<K>&& requires(const T& element, std::size_t k) {
    element[k];
    element.size();
};

template <class T, class K>
struct FoundAt {
    using type = std::remove_cvref_t<decltype(std::declval<const T&>()[std::size_t{}])>;
};
template <class T, class K>
requires is_map_with<T, K>
struct FoundAt<T, K> {
    using type = std::remove_cvref_t<
        decltype(std::declval<const T&>().find(std::declval<const K&>())->second)>;
};
/// What elements of type `T` have at a key of type `K`.
template <class T, class K>
using found_at = typename FoundAt<T, K>::type;

/// Refuses, in words, a key of type `K` for elements that have none, or nothing to give for it.
template <class T, class K>
constexpr bool check_key_of() {
    constexpr bool has_keys = is_map_with<T, K> || is_indexed_by<T, K>;
    static_assert(has_keys,
                  "satchel: pluck(key) needs elements that are maps with such a key, or that have "
                  "an index, as std::vector has. For a member, pluck(&Type::member); for a part of "
                  "a tuple, pluck<I>().");
    if constexpr (has_keys) {
        constexpr bool copyable = is_copyable<found_at<T, K>>;
        static_assert(copyable,
                      "satchel: pluck(key) copies what the elements have there, and this type "
                      "cannot be copied. Use map, with a function that looks at it.");
        return copyable;
    } else {
        return false;
    }
}

[[noreturn]] void refuse_default(std::string_view value);

/// `otherwise` as a `Found`. Throws InvalidArgument for a number that is not the same as one.
template <class Found, class Otherwise>
Found default_as(Otherwise otherwise) {
    if constexpr (std::is_integral_v<Found> && std::is_arithmetic_v<Otherwise> &&
                  !std::is_same_v<Found, Otherwise>) {
        // Beyond these, converting a floating number is undefined.
        constexpr auto least = static_cast<long double>(std::numeric_limits<Found>::lowest());
        constexpr auto most = static_cast<long double>(std::numeric_limits<Found>::max());
        const auto given = static_cast<long double>(otherwise);
        if (!(given >= least && given <= most) ||
            static_cast<long double>(static_cast<Found>(otherwise)) != given) {
            refuse_default(fmt::format("{}", otherwise));
        }
        return static_cast<Found>(otherwise);
    } else {
        return Found(std::move(otherwise));
    }
}

/// Refuses, in words, a default that is no `Found`.
template <class Found, class Otherwise>
constexpr bool check_default() {
    constexpr bool fits = std::is_constructible_v<Found, Otherwise>;
    static_assert(fits,
                  "satchel: pluck(key, otherwise) gives what the elements have at the key, and "
                  "`otherwise` must be convertible to that. For elements that may have nothing "
                  "there, map() to a std::optional.");
    return fits;
}

/// What `element` has at `key`: of a map, or, by index, of a vector; else what `otherwise` gives.
template <class T, class K, class Otherwise>
auto look_up(const T& element, const K& key, const Otherwise& otherwise) {
    if constexpr (is_map_with<T, K>) {
        using Found = found_at<T, K>;
        const auto found = element.find(key);
        return found == element.end() ? Found(otherwise()) : found->second;
    } else {
        using Found = found_at<T, K>;
        const auto index = static_cast<std::size_t>(key);  // a negative one becomes too large
        return index < element.size() ? Found(element[index]) : Found(otherwise());
    }
}

[[nodiscard]] std::string quoted(std::string_view text);

/// A key as error texts show it.
template <class K>
std::string key_text(const K& key) {
    if constexpr (std::is_convertible_v<const K&, std::string_view>) {
        return detail::quoted(key);
    } else if constexpr (std::is_enum_v<K>) {
        return fmt::format("{}", +static_cast<std::underlying_type_t<K>>(key));
    } else if constexpr (fmt::is_formattable<K>::value) {
        return fmt::format("{}", key);
    } else {
        return "(a key that cannot be shown)";
    }
}

/// pluck of a key, and of a key that may be missing.
template <class K>
struct PluckKey {
    K key;
    template <class T>
    auto operator()(const T& element) const {
        return look_up(element, key, [&] { return MissingKey{key_text(key)}; });
    }
};
template <class K, class R>
struct PluckOr {
    K key;
    R otherwise;
    template <class T>
    auto operator()(const T& element) const {
        return look_up(element, key, [&]() -> const R& { return otherwise; });
    }
};

/// Refuses, in words, what accumulate() cannot both give and go on with.
template <class Result>
constexpr bool check_accumulated() {
    constexpr bool fits = is_copyable<Result> && std::is_move_assignable_v<Result>;
    static_assert(fits,
                  "satchel: accumulate() gives each value and goes on with it, so it must be "
                  "copyable and assignable.");
    return fits;
}

/// random_sample: whether to keep the next element.
class RandomChoice {
  public:
    RandomChoice(CounterRandom random, double p) : random_(random), p_(p) {}
    template <class T>
    bool operator()(const T&) {
        return random_.uniform() < p_;
    }

  private:
    CounterRandom random_;
    double p_;
};

}  // namespace satchel::detail
