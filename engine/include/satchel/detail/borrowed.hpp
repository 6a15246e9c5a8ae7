// What values show that they do not own: a view, a pointer, a reference, or what holds one. As the
// result of a function it would outlive what it refers to.
#pragma once

#include <satchel/travels.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel::detail {

/// What a value lets see that it does not own.
enum class Borrowed { nothing, through_view, through_pointer };

/// The first of several that is not `nothing`.
template <class... B>
constexpr Borrowed first_borrowed(B... borrowed) {
    Borrowed first = Borrowed::nothing;
    ((first = first == Borrowed::nothing ? borrowed : first), ...);
    return first;
}

// As the whole of <functional> would cost every user's compilation.
template <class T>
concept ReferenceWrapper = requires(const T& x) {
    static_cast<typename T::type&>(x);
    { x.get() } -> std::same_as<typename T::type&>;
};
template <class T>
concept Container = requires(T& x) {
    typename T::value_type;
    x.begin();
};

/// One bit of a std::vector<bool> or a std::bitset.
template <class T>
concept BitReference = std::convertible_to<const T&, bool> && requires(T& bit) {
    bit.flip();
    { bit = true } -> std::same_as<T&>;
};

/// What a `T` borrows, itself or in what it holds: the parts of pairs, tuples and variants, the
/// elements of optionals and containers. Other classes answer for their members themselves.
template <class T>
inline constexpr Borrowed borrowed =
    std::ranges::enable_view<T> || BitReference<T> ? Borrowed::through_view
    : std::is_pointer_v<T>                         ? Borrowed::through_pointer
                                                   : Borrowed::nothing;
template <class T>
inline constexpr Borrowed borrowed<T&> = Borrowed::through_view;
template <class T>
inline constexpr Borrowed borrowed<T&&> = Borrowed::through_view;
template <class T>
inline constexpr Borrowed borrowed<const T> = borrowed<T>;
template <class T>
inline constexpr Borrowed borrowed<std::initializer_list<T>> = Borrowed::through_view;
template <class A, class B>
inline constexpr Borrowed borrowed<std::pair<A, B>> = first_borrowed(borrowed<A>, borrowed<B>);
template <class... A>
inline constexpr Borrowed borrowed<std::tuple<A...>> = first_borrowed(borrowed<A>...);
template <class T, std::size_t n>
inline constexpr Borrowed borrowed<std::array<T, n>> = borrowed<T>;
// Only of the template itself, not of what derives from it: a class may be a container of its own
// kind.
template <template <class...> class C, class... A>
requires(!std::ranges::enable_view<C<A...>>) inline constexpr Borrowed borrowed<C<A...>> = [] {
    using T = C<A...>;
    if constexpr (VariantLike<T>) {
        return first_borrowed(borrowed<A>...);
    } else if constexpr (ReferenceWrapper<T>) {
        return Borrowed::through_view;
    } else if constexpr (Container<T> || OptionalLike<T>) {
        using Element = typename T::value_type;
        if constexpr (!std::is_same_v<Element, T>) return borrowed<Element>;
    }
    return Borrowed::nothing;
}();

}  // namespace satchel::detail
