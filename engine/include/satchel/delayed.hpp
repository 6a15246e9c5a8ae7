/// Delayed: one lazy value: a call that has not been made.
///
///     auto x = satchel::delayed(load)("a.txt");          // nothing runs yet
///     auto y = satchel::delayed(parse)(x);               // arguments may be delayed themselves
///     auto z = satchel::delayed(combine)(y, 3);
///     z.compute();                                       // runs load, parse, combine
///
/// Handles are cheap to copy; copies share the call and so its one result. Each call of
/// `delayed(f)(…)` makes a new one, unless `{.pure = true}` says that equal calls give equal
/// results.
///
/// Thread safety: distinct handles may be used from any thread, also copies of one.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/format.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/executor.hpp>
#include <satchel/value.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace satchel {

/// How delayed calls are named.
struct DelayedOptions {
    /// Equal calls (the same function without state, arguments that are equal numbers or texts or
    /// the same Delayed) give equal results, so one of them is enough: their keys are equal.
    bool pure = false;
    /// The key of the call, instead of one made up. Computing two different calls of one key
    /// together is an error.
    std::string key = {};
};

template <class T>
class Delayed;

namespace detail {

template <class T>
struct LazyTraits {  // what is not lazy
    static constexpr bool lazy = false;
};

/// What a function sees of an argument.
template <class A>
struct Argument {  // a plain value
    using type = A;
    static constexpr bool is_list = false;
    static constexpr bool is_delayed = false;
};
template <class T>
struct Argument<Delayed<T>> {
    using type = stored_type<T>;
    static constexpr bool is_list = false;
    static constexpr bool is_delayed = true;
};
template <class T>
struct Argument<std::vector<Delayed<T>>> {
    using type = std::vector<stored_type<T>>;
    static constexpr bool is_list = true;
    static constexpr bool is_delayed = false;
};

/// What a call needs to know of an argument: its type, and whether it is a list of inputs.
template <class A>
using call_argument = std::conditional_t<Argument<A>::is_list, A, typename Argument<A>::type>;

/// A token for a type.
template <class T>
Token type_token() {
    static constexpr char here = 0;
    static const auto token = Token::of_place(&here);
    return token;
}

/// A token for a small object that is what its bytes are.
template <class T>
requires(std::is_trivially_copyable_v<T> && sizeof(T) <= 16) Token bytes_token(const T& object) {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), &object, sizeof object);
    return type_token<T>().then(words[0]).then(words[1]);
}

/// A function that holds something, and says by a token what: those of the library.
template <class F>
concept HasToken = requires(const F& function) {
    { function.token() } -> std::same_as<Token>;
};

/// A token for what a function does; unique to the object if it has state.
template <class F>
Token function_token(const F& function) {
    if constexpr (std::is_empty_v<F>) {
        return type_token<F>();
    } else if constexpr (std::is_pointer_v<F>) {
        return type_token<F>().then(Token::of_place(reinterpret_cast<const void*>(function)));
    } else if constexpr (std::is_member_pointer_v<F>) {
        return bytes_token(function);
    } else if constexpr (HasToken<F>) {
        return type_token<F>().then(function.token());
    } else {
        return Token::unique();
    }
}

/// A token for a value: equal for equal numbers and texts, else unique to the object.
template <class T>
Token value_token(const T& value) {
    if constexpr ((std::is_arithmetic_v<T> || std::is_enum_v<T>)&&sizeof(T) <= 8) {
        return bytes_token(value);
    } else if constexpr (std::is_pointer_v<T> && is_borrowed_text<T>) {
        return value != nullptr ? type_token<T>().then(Token::of(value)) : type_token<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
        return type_token<T>().then(Token::of(value));
    } else {
        return Token::unique();
    }
}

/// How many inputs each of `n` arguments has. Where none is a list, nothing has to be stored: calls
/// of a function without state are then equal, and graphs keep equal functions once.
template <std::size_t n, bool has_list>
struct InputCounts {
    std::array<std::uint32_t, n> counts;
    std::uint32_t operator[](std::size_t k) const { return counts[k]; }
};
template <std::size_t n>
struct InputCounts<n, false> {
    InputCounts() = default;
    explicit InputCounts(const std::array<std::uint32_t, n>&) {}
    std::uint32_t operator[](std::size_t) const { return 1; }
};

/// A borrowed text as a string; everything else as it is.
template <class A>
decltype(auto) own_text(A&& argument) {
    if constexpr (is_borrowed_text<A>) {
        return std::string(argument);
    } else {
        return std::forward<A>(argument);
    }
}

/// What a function sees of an argument that is kept.
template <class A>
using seen_argument = typename Argument<kept_argument<A>>::type;

/// Refuses, in words, a function that cannot be called with `A…`, or what it would return.
template <class F, class... A>
constexpr bool check_call() {
    constexpr bool accepted = accepts_call<F, A...>;
    static_assert(
        accepted,
        "satchel: this function cannot be called with these arguments. A Delayed<T> arrives as "
        "a T, a Delayed<void> as a satchel::Unit, and a std::vector<Delayed<T>> as a "
        "std::vector<T>; take them by value or as const T&, but not as T&.");
    constexpr bool copyable = std::is_copy_constructible_v<F>;
    static_assert(copyable,
                  "satchel: this function cannot be copied, but every delayed call of it needs a "
                  "copy of its own. Hold what it captures by value or by std::shared_ptr.");
    if constexpr (accepted && copyable) {
        using Result = decltype(call_shared(std::declval<const F&>(), std::declval<A>()...));
        if constexpr (std::is_void_v<Result>) {
            return true;
        } else {
            return check_result<std::decay_t<Result>>();
        }
    } else {
        return false;
    }
}

/// Refuses, in words, to get part `I` of what has none.
template <class T, std::size_t I>
constexpr bool check_part() {
    constexpr bool has_parts = requires { std::tuple_size<T>::value; };
    static_assert(has_parts,
                  "satchel: get<I>() needs a value that is a tuple, a pair or an array.");
    if constexpr (has_parts) {
        constexpr bool has_this = I < std::tuple_size_v<T>;
        static_assert(has_this, "satchel: get<I>() needs a value with more than I parts.");
        return has_this;
    } else {
        return false;
    }
}

/// Calls `f` with the inputs of a task, one after another for each argument.
template <class F, class... A>
struct DelayedCall {
    using Sizes = InputCounts<sizeof...(A), (Argument<A>::is_list || ...)>;
    [[no_unique_address]] F function;
    [[no_unique_address]] Sizes sizes;

    Value operator()(Arguments& inputs) const {
        return call(inputs, std::index_sequence_for<A...>{});
    }

    using Result = std::decay_t<decltype(call_shared(
        std::declval<const F&>(), std::declval<typename Argument<A>::type>()...))>;

  private:
    template <std::size_t... k>
    Value call(Arguments& inputs, std::index_sequence<k...>) const {
        std::array<std::uint32_t, sizeof...(A)> begin{};
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < sizeof...(A); ++i)
            next += std::exchange(begin[i], next) + sizes[i];
        if constexpr (std::is_void_v<decltype(call_shared(function, get<A, k>(inputs, 0)...))>) {
            call_shared(function, get<A, k>(inputs, begin[k])...);
            return Value::of(Unit{});
        } else {
            return Value::make<Result>(call_shared(function, get<A, k>(inputs, begin[k])...));
        }
    }

    // Argument `k`: by const reference, unless the function wants it for itself.
    template <class Given, std::size_t k>
    decltype(auto) get(Arguments& inputs, std::uint32_t slot) const {
        using T = typename Argument<Given>::type;
        if constexpr (Argument<Given>::is_list) {
            using Element = typename T::value_type;
            T list;
            list.reserve(sizes[k]);
            for (std::uint32_t i = 0; i < sizes[k]; ++i) {
                list.push_back(inputs.take<Element>(slot + i));
            }
            return list;
        } else if constexpr (takes_ownership<F, k>() || moves_argument<F, T, k>) {
            return T(inputs.take<T>(slot));
        } else {
            return inputs.get<T>(slot);
        }
    }
};

}  // namespace detail

/// A lazy value of type `T`; `Delayed<void>` is a call made for its effect, which calls that are to
/// come after it take as an argument of type Unit.
template <class T>
class Delayed {
  public:
    using value_type = T;

    /// Runs what is needed and gives the value. Throws what a task threw.
    T compute() const { return compute(*default_executor()); }
    T compute(const Executor& executor, const RunOptions& options = {}) const {
        return extract(detail::compute_nodes({node_}, executor, options));
    }
    T compute(const RunOptions& options) const { return compute(*default_executor(), options); }

    /// Computes the value now and keeps it: a call that has been made.
    [[nodiscard]] Delayed persist() const { return persist(*default_executor()); }
    [[nodiscard]] Delayed persist(const Executor& executor, const RunOptions& options = {}) const {
        return stored(detail::keep_nodes({node_}, executor, options));
    }

    /// A delayed call of `f` with this value.
    template <class F>
    [[nodiscard]] auto apply(F f) const;

    /// Part `I` of a tuple, pair or array. A part that cannot be copied is moved out, so that
    /// nothing else in the same graph can use the whole.
    template <std::size_t I>
    [[nodiscard]] auto get() const;

    /// Draws the graph: `path`, a text or a std::filesystem::path, ends in .dot, or in .svg or .png
    /// if Graphviz is installed. Returns the path, a text as std::string.
    template <class Path>
    auto visualize(const Path& path) const {
        return detail::visualize({node_}, path);
    }

    /// The name of the call: "delayed-" and 32 hexadecimal digits, or what was given.
    [[nodiscard]] std::string key() const { return node_->key(); }

    /// For the library: the node behind the handle.
    [[nodiscard]] const detail::NodePtr& node() const noexcept { return node_; }
    explicit Delayed(detail::NodePtr node) : node_(std::move(node)) {}

    /// For the library: this call, with its result.
    [[nodiscard]] Delayed stored(std::vector<Value> values) const {
        if (auto kept = detail::kept_node(values, *node_)) return Delayed(std::move(kept));
        return Delayed(detail::Node::make(
            {.name = node_->description.name,
             .token = node_->description.token,
             .function = Function([](Arguments& arguments) { return arguments.share(0); }),
             .inputs = {{.value = std::move(values.front())}}}));
    }

    /// For the library: the value among what compute_nodes() gave.
    static T extract(std::vector<Value> values) {
        if constexpr (!std::is_void_v<T>) return std::move(values.front()).template take<T>();
    }

  private:
    detail::NodePtr node_;
};

/// A function whose calls are delayed; see delayed().
template <class F>
class DelayedFunction {
  public:
    DelayedFunction(F function, DelayedOptions options)
        : function_(std::move(function)),
          options_(std::move(options)),
          token_(options_.pure ? detail::function_token(function_) : Token{}) {}

    /// A delayed call. Arguments are values, `Delayed`, or `std::vector<Delayed<…>>`. A text in
    /// quotes or a view of one arrives as a std::string, unless the function takes only a pointer.
    template <class... A>
    [[nodiscard]] auto operator()(A&&... arguments) const {
        if constexpr ((detail::is_borrowed_text<A> || ...) &&
                      detail::accepts_call<F, detail::seen_argument<A>...>) {
            return (*this)(detail::own_text(std::forward<A>(arguments))...);
        } else if constexpr (detail::check_arguments<std::decay_t<A>...>() &&
                             detail::check_call<
                                 F, typename detail::Argument<std::decay_t<A>>::type...>()) {
            return call(std::forward<A>(arguments)...);
        } else {
            return detail::Refused();
        }
    }

  private:
    template <class... A>
    auto call(A&&... arguments) const {
        using Call = detail::DelayedCall<F, detail::call_argument<std::decay_t<A>>...>;
        using Result = typename Call::Result;
        std::vector<detail::NodeInput> inputs;
        Token token = token_;
        std::array<std::uint32_t, sizeof...(A)> sizes{};
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            ((sizes[k] = append<k>(inputs, token, std::forward<A>(arguments))), ...);
        }
        (std::index_sequence_for<A...>{});
        if (!options_.pure) {
            token = options_.key.empty() ? Token::unique() : Token::of(options_.key);
        }
        return Delayed<Result>(
            detail::Node::make({.named = !options_.key.empty(),
                                .pure = options_.pure,
                                .name = options_.key.empty() ? "delayed" : options_.key,
                                .token = token,
                                .function = Function(Call{function_, typename Call::Sizes{sizes}}),
                                .inputs = std::move(inputs)}));
    }

    // Appends argument `k` to the inputs of the call, and to the token of a pure one.
    template <std::size_t k, class A>
    std::uint32_t append(std::vector<detail::NodeInput>& inputs, Token& token, A&& argument) const {
        const bool pure = options_.pure;
        using Given = detail::Argument<std::decay_t<A>>;
        using T = typename Given::type;
        if constexpr (Given::is_list) {
            for (const auto& one : argument) {
                inputs.push_back({.kind = detail::NodeInput::Kind::same,
                                  .node = one.node(),
                                  .moves = !detail::is_copyable<typename T::value_type>});
                if (pure) token = token.then(one.node()->description.token);
            }
            if (pure) token = token.then(argument.size());
            return static_cast<std::uint32_t>(argument.size());
        } else if constexpr (Given::is_delayed) {
            inputs.push_back({.kind = detail::NodeInput::Kind::same,
                              .node = argument.node(),
                              .moves = detail::moves_argument<F, T, k>});
            if (pure) token = token.then(argument.node()->description.token);
        } else {
            static_assert(detail::check_kept_argument<F, k, A>());
            if (pure) token = token.then(detail::value_token<std::decay_t<A>>(argument));
            inputs.push_back({.value = Value::of(std::forward<A>(argument))});
        }
        return 1;
    }

    F function_;
    DelayedOptions options_;
    Token token_;  // of a pure function: copies of this object are the same one
};

/// Makes calls of `f` lazy: `delayed(f)(a, b)` is a Delayed of what `f(a, b)` returns.
template <class F>
[[nodiscard]] DelayedFunction<std::decay_t<F>> delayed(F&& f, DelayedOptions options = {}) {
    return {std::forward<F>(f), std::move(options)};
}

template <class T>
template <class F>
auto Delayed<T>::apply(F f) const {
    return delayed(std::move(f))(*this);
}

template <class T>
template <std::size_t I>
auto Delayed<T>::get() const {
    if constexpr (detail::check_part<T, I>()) {
        using Part = std::tuple_element_t<I, T>;
        if constexpr (detail::is_copyable<Part>) {
            return apply([](const T& value) { return std::get<I>(value); });
        } else {
            return apply([](T value) { return std::get<I>(std::move(value)); });
        }
    } else {
        return detail::Refused();
    }
}

}  // namespace satchel

template <class T>
struct fmt::formatter<satchel::Delayed<T>> : satchel::detail::HandleFormatter {
    auto format(const satchel::Delayed<T>& value, fmt::format_context& context) const {
        return write_delayed(value.key(), context);
    }
};

#include <satchel/compute.hpp>
