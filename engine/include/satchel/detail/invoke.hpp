// std::invoke, whose header <functional> would cost every user's compilation a tenth of a second.
#pragma once

// As if it were the standard library's: what a call converts is between the user's function and the
// user's elements, and no warning should point here.
#pragma GCC system_header

#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel::detail {

template <class F, class... A>
requires std::is_invocable_v<F, A...>
constexpr decltype(auto) invoke(F&& f,
                                A&&... arguments) noexcept(std::is_nothrow_invocable_v<F, A...>) {
    if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>) {
        return std::apply(f, std::forward_as_tuple(std::forward<A>(arguments)...));
    } else {
        return std::forward<F>(f)(std::forward<A>(arguments)...);
    }
}

}  // namespace satchel::detail
