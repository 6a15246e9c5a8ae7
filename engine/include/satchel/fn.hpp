/// fn: a function or a member as a type, so that the compiler sees through it.
///
///     bag.map(satchel::fn<twice>)
///     bag.map(satchel::fn<&Person::name>).filter(satchel::fn<&std::string::empty>)
///
/// A plain `bag.map(twice)` passes a pointer, which is called once an element; `fn<twice>` is an
/// empty object whose call can be inlined.
#pragma once

#include <satchel/detail/invoke.hpp>

#include <type_traits>
#include <utility>

namespace satchel {

/// The type of fn<F>: called as `std::invoke(F, arguments…)`.
template <auto F>
struct ConstantFunction {
    template <class... A>
    requires std::is_invocable_v<decltype(F), A...>
    constexpr decltype(auto) operator()(A&&... arguments) const
        noexcept(std::is_nothrow_invocable_v<decltype(F), A...>) {
        return detail::invoke(F, std::forward<A>(arguments)...);
    }
};

template <auto F>
inline constexpr ConstantFunction<F> fn{};

}  // namespace satchel
