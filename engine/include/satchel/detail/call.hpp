// How a user's function is called: with an element, with a stop token if it wants one, and with
// errors in the user's words where it cannot be.
#pragma once

#include <satchel/detail/borrowed.hpp>
#include <satchel/detail/invoke.hpp>
#include <satchel/this_task.hpp>
#include <satchel/value.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel::detail {

// The parameters of a callable with one plain operator(), or of a function.
template <class F>
struct Signature {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
    using parameters = std::tuple<A...>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};
template <class F>
requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())> {};

/// Whether a function is seen to take a stop token as its last parameter, which may have a default.
template <class F>
constexpr bool names_stop_token() {
    if constexpr (requires { typename Signature<F>::parameters; }) {
        using parameters = typename Signature<F>::parameters;
        constexpr auto count = std::tuple_size_v<parameters>;
        if constexpr (count > 0) {
            return std::is_same_v<std::decay_t<std::tuple_element_t<count - 1, parameters>>,
                                  std::stop_token>;
        }
    }
    return false;
}

// Where that is not seen, a stop token is tried only if a call without one is none: a function that
// takes anything may not compile with it.
template <class F, class... A>
inline constexpr bool wants_stop_token = std::conjunction_v<
    std::disjunction<std::bool_constant<names_stop_token<std::remove_const_t<F>>()>,
                     std::negation<std::is_invocable<F&, A...>>>,
    std::is_invocable<F&, A..., std::stop_token>>;

/// `F` may be called with `A…`, or with those and a stop token.
template <class F, class... A>
inline constexpr bool callable_with =
    std::disjunction_v<std::is_invocable<F&, A...>, std::is_invocable<F&, A..., std::stop_token>>;

/// Many tasks may call `F` with `A…`: as const, or each a copy of its own.
template <class F, class... A>
inline constexpr bool accepts_call = callable_with<const F, A...> || callable_with<F, A...>;

/// A text that somebody else holds: one in quotes, for example.
template <class A>
inline constexpr bool is_borrowed_text =
    std::is_same_v<std::decay_t<A>, const char*> || std::is_same_v<std::decay_t<A>, char*> ||
    std::is_same_v<std::decay_t<A>, std::string_view>;

/// What is kept of an `A`: a borrowed text as a string, which is still there when the call is made,
/// also in another process.
template <class A>
using kept_argument = std::conditional_t<is_borrowed_text<A>, std::string, std::decay_t<A>>;

/// A user's function, as one task has it: a copy of its own, and the task's stop token if it wants
/// that.
template <class F>
class TaskFunction {
  public:
    explicit TaskFunction(F function) : function_(std::move(function)) {}

    template <class... A>
    requires callable_with<F, A...>
    decltype(auto) operator()(A&&... arguments) {
        if constexpr (wants_stop_token<F, A...>) {
            if (!token_) token_ = this_task::stop_token();
            return detail::invoke(function_, std::forward<A>(arguments)..., *token_);
        } else {
            return detail::invoke(function_, std::forward<A>(arguments)...);
        }
    }

  private:
    F function_;
    std::optional<std::stop_token> token_;
};

/// Simple functions carry nothing else, so that loops can keep them in registers. Those that are
/// seen to want a token ask for it once.
template <class F>
requires(std::is_trivially_copyable_v<F> && !names_stop_token<F>()) class TaskFunction<F> {
  public:
    explicit TaskFunction(const F& function) : function_(function) {}

    template <class... A>
    requires callable_with<F, A...>
    decltype(auto) operator()(A&&... arguments) {
        if constexpr (wants_stop_token<F, A...>) {
            return detail::invoke(function_, std::forward<A>(arguments)...,
                                  this_task::stop_token());
        } else {
            return detail::invoke(function_, std::forward<A>(arguments)...);
        }
    }

  private:
    [[no_unique_address]] F function_;
};

/// Calls a function that several tasks share: as it is if it can be called as const, else a copy of
/// it, to which the result must not refer.
template <class F, class... A>
decltype(auto) call_shared(const F& function, A&&... arguments) {
    if constexpr (wants_stop_token<const F, A...>) {
        return detail::invoke(function, std::forward<A>(arguments)..., this_task::stop_token());
    } else if constexpr (std::is_invocable_v<const F&, A...>) {
        return detail::invoke(function, std::forward<A>(arguments)...);
    } else {
        TaskFunction<F> copy(function);
        using Result = decltype(copy(std::forward<A>(arguments)...));
        return static_cast<std::remove_cvref_t<Result>>(copy(std::forward<A>(arguments)...));
    }
}

template <class F, class... A>
struct CallResult {
    // NOLINTNEXTLINE(modernize-type-traits): the other of the two may have no result
    using type = std::conditional_t<std::is_invocable_v<F&, A...>, std::invoke_result<F&, A...>,
                                    std::invoke_result<F&, A..., std::stop_token>>::type;
};
/// What calling `F` with `A…` gives, decayed.
template <class F, class... A>
using call_result = std::decay_t<typename CallResult<F, A...>::type>;

/// `F` can be called with an element of type `T`, given away or by const reference.
template <class F, class T, class... Extra>
inline constexpr bool accepts_element =
    callable_with<F, T, Extra...> || callable_with<F, const T&, Extra...>;

/// `F` can be called with elements that are kept, without copying them.
template <class F, class T, class... Extra>
inline constexpr bool accepts_kept_element = callable_with<F, const T&, Extra...>;

template <class F, class T, class... Extra>
struct ElementResult {
    using type =
        call_result<F, std::conditional_t<callable_with<F, T, Extra...>, T, const T&>, Extra...>;
};
/// What `F` gives for an element of type `T`.
template <class F, class T, class... Extra>
using element_result = typename ElementResult<F, T, Extra...>::type;

/// Whether what `F` gives for an element can be asked whether it is true.
template <class F, class T>
constexpr bool gives_truth() {
    if constexpr (accepts_element<F, T>) {
        return std::is_constructible_v<bool, element_result<F, T>>;
    } else {
        return false;
    }
}

/// What an operation returns that does not compile, so that nothing else is said about it.
struct Refused {};

// The checks below say whether all is well, so that what would not compile can be left out. Called
// where a constant is needed, they are what a compiler looks at first.

/// Refuses, in words, a function that cannot be copied.
template <class F>
constexpr bool check_copyable() {
    constexpr bool copyable = std::is_copy_constructible_v<F>;
    static_assert(
        copyable,
        "satchel: this function cannot be copied, but every partition needs a copy of its own. "
        "Hold what it captures by value or by std::shared_ptr.");
    return copyable;
}

/// Refuses, in words, a function that cannot be called with elements of type `T`.
template <class F, class T, class... Extra>
constexpr bool check_accepts() {
    constexpr bool takes_a_reference =
        !accepts_element<F, T, Extra...> && callable_with<F, T&, Extra...>;
    static_assert(
        !takes_a_reference,
        "satchel: this function takes a T&, and elements must not be changed in place: other "
        "operations may read them. Take const T&, or T by value, and return the result.");
    static_assert(
        takes_a_reference || accepts_element<F, T, Extra...>,
        "satchel: this function cannot be called with the elements of this bag. Give it a "
        "parameter that the element type converts to (and one for each extra argument).");
    return accepts_element<F, T, Extra...> && check_copyable<F>();
}

/// Refuses, in words, what is no predicate of elements of type `T`.
template <class F, class T>
constexpr bool check_predicate() {
    constexpr bool leaves_elements = accepts_kept_element<F, T> || is_copyable<T>;
    static_assert(
        leaves_elements,
        "satchel: this predicate takes its argument away, and elements of this type cannot be "
        "copied for it. Take const T&.");
    constexpr bool accepted = check_accepts<F, T>();
    constexpr bool decides = !accepts_element<F, T> || gives_truth<F, T>();
    static_assert(
        decides,
        "satchel: a predicate tells whether an element stays, so it must return a bool or what "
        "converts to one; to make new elements, use map.");
    return leaves_elements && accepted && decides;
}

/// Refuses, in words, a result that would not own what it refers to.
template <class R>
constexpr bool check_result() {
    constexpr auto lent = borrowed<R>;
    static_assert(
        !std::is_void_v<R>,
        "satchel: this function returns nothing, so there would be no elements. Return a value; "
        "for side effects, return a count or use for_each_partition.");
    static_assert(
        lent != Borrowed::through_view,
        "satchel: this function returns a view (std::string_view, std::span, …), or what holds "
        "one, which would outlive what it refers to. Return an owning type, such as std::string "
        "or std::vector.");
    static_assert(
        lent != Borrowed::through_pointer,
        "satchel: this function returns a pointer, or what holds one, which says nothing of who "
        "owns the object. Return the object, or a smart pointer.");
    constexpr bool moves = std::is_void_v<R> || std::is_move_constructible_v<R>;
    static_assert(moves,
                  "satchel: this function returns what can be neither copied nor moved. Return a "
                  "std::unique_ptr or std::shared_ptr to it.");
    return moves && !std::is_void_v<R> && lent == Borrowed::nothing;
}

/// Whether parameter `k` of `F` is taken by value or rvalue reference; false where that cannot be
/// seen.
template <class F, std::size_t k>
constexpr bool takes_ownership() {
    if constexpr (requires { typename Signature<F>::parameters; }) {
        using parameters = typename Signature<F>::parameters;
        if constexpr (k < std::tuple_size_v<parameters>) {
            return !std::is_lvalue_reference_v<std::tuple_element_t<k, parameters>>;
        }
    }
    return false;
}

/// Whether parameter `k` of `F` is an lvalue reference; false where that cannot be seen.
template <class F, std::size_t k>
constexpr bool takes_reference() {
    if constexpr (requires { typename Signature<F>::parameters; } && !std::is_member_pointer_v<F>) {
        using parameters = typename Signature<F>::parameters;
        if constexpr (k < std::tuple_size_v<parameters>) {
            return std::is_lvalue_reference_v<std::tuple_element_t<k, parameters>>;
        }
    }
    return false;
}

/// Whether argument `k` of type `T` has to be moved into a call of `F`, as it cannot be copied.
template <class F, class T, std::size_t k>
inline constexpr bool moves_argument = !is_copyable<T> && !takes_reference<F, k>();

/// Refuses, in words, an argument `k`, given as an `A`, that a call keeps and would have to copy.
template <class F, std::size_t k, class A>
constexpr bool check_kept_argument() {
    using T = kept_argument<A>;
    constexpr bool was_given = is_copyable<T> || !std::is_lvalue_reference_v<A>;
    static_assert(was_given,
                  "satchel: this argument cannot be copied. Give it away with std::move().");
    constexpr bool can_be_given = is_copyable<T> || takes_reference<F, k>();
    static_assert(can_be_given,
                  "satchel: this argument cannot be copied, and is not given away, because a call "
                  "may be made again. Take it as const T&, with T written out, or let another call "
                  "make it.");
    return was_given && can_be_given;
}

/// What Client::submit() gives.
template <class A>
concept SubmittedCall = requires(const A& future) {
    future.result();
    future.cancel();
    future.retry();
};

/// Refuses, in words, what is no argument of a delayed call.
template <class... A>
constexpr bool check_arguments() {
    constexpr bool has_future = (SubmittedCall<A> || ...);
    static_assert(!has_future,
                  "satchel: a Future stands for a call that was submitted. Give it to "
                  "Client::submit() or map(), and to a delayed call its result().");
    return !has_future;
}

}  // namespace satchel::detail
