// The small functions behind starmap, remove, pluck and random_sample: each becomes a map or a
// filter.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/counter_random.hpp>
#include <satchel/stable_hash.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace satchel::detail {

/// Throws KeyError: an element has no such key.
[[noreturn]] void throw_missing_key(const std::string& key);

template <class F, class T>
struct IsApplicable : std::false_type {};
template <class F, class T>
requires is_tuple_like<T>
struct IsApplicable<F, T> {
    template <std::size_t... I>
    static constexpr bool with(std::index_sequence<I...>) {
        return std::is_invocable_v<F&, std::tuple_element_t<I, T>...>;
    }
    static constexpr bool value = with(std::make_index_sequence<std::tuple_size_v<T>>());
};
/// `F` can be called with the parts of a `T`.
template <class F, class T>
inline constexpr bool applicable = IsApplicable<F, T>::value;

/// starmap: calls with the parts of a tuple.
template <class F>
struct Starred {
    F function;
    template <class T>
    requires applicable<F, std::remove_cvref_t<T>>
    decltype(auto) operator()(T&& parts) { return std::apply(function, std::forward<T>(parts)); }
};

/// remove: the opposite of a predicate.
template <class F>
struct Negated {
    F predicate;
    template <class T>
    requires std::is_invocable_v<F&, T>
    bool operator()(T&& element) {
        return !static_cast<bool>(std::invoke(predicate, std::forward<T>(element)));
    }
};

/// What `element` has at `key`, or null: of a map, or, by index, of a vector.
template <class T, class K>
const auto* find_key(const T& element, const K& key) {
    if constexpr (requires { element.find(key)->second; }) {
        const auto found = element.find(key);
        return found == element.end() ? nullptr : &found->second;
    } else {
        static_assert(
            std::integral<K> && requires(std::size_t i) { &element[i]; },
            "satchel: pluck(key) needs elements that are maps with such a key, or that have "
            "an index, as std::vector has.");
        const auto index = static_cast<std::size_t>(key);  // a negative one becomes too large
        return index < element.size() ? &element[index] : nullptr;
    }
}
template <class T, class K>
using found_type =
    std::remove_cvref_t<decltype(*find_key(std::declval<const T&>(), std::declval<const K&>()))>;

/// A key as error texts show it.
template <class K>
std::string key_text(const K& key) {
    if constexpr (std::is_convertible_v<const K&, std::string_view>) {
        return fmt::format("'{}'", std::string_view(key));
    } else if constexpr (std::is_arithmetic_v<K>) {
        return fmt::format("{}", key);
    } else {
        return "(a key that cannot be shown)";
    }
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
