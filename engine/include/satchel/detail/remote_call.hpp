// What a client makes of a call with values and futures: a task that finds its arguments among its
// inputs, or, for many calls at once, in columns that travel with the function.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/function.hpp>
#include <satchel/future.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Refuses, in words, what has nothing to compute.
template <class L>
constexpr bool check_lazy() {
    constexpr bool is_lazy = requires(const L& lazy) { lazy.compute(); };
    static_assert(is_lazy,
                  "satchel: a client computes or persists a Bag or a Delayed; for a call of a "
                  "function, see submit().");
    return is_lazy;
}

/// Data that is larger does not pass through the scheduler, but goes from the client to workers.
inline constexpr std::uint64_t shared_bytes_max = 64 * 1024;

/// An argument that is one input of the task.
template <class T>
struct OneInput {
    using type = T;
    [[nodiscard]] std::uint32_t slots() const { return 1; }
};

/// A std::vector of the values of several inputs.
template <class T>
struct ListInput {
    using type = std::vector<T>;
    std::uint32_t size = 0;
    [[nodiscard]] std::uint32_t slots() const { return size; }
};

/// Element i for task i.
template <class T>
struct ColumnInput {
    using type = T;
    std::vector<T> items;
    [[nodiscard]] std::uint32_t slots() const { return 0; }
};

/// How an argument of submit() reaches the function.
template <class A>
struct ArgumentOf {
    using source = OneInput<kept_argument<A>>;
};
template <class T>
struct ArgumentOf<Future<T>> {
    using source = OneInput<stored_type<T>>;
};
template <class T>
struct ArgumentOf<std::vector<Future<T>>> {
    using source = ListInput<stored_type<T>>;
};

/// Holds futures in another way than calls take them.
template <class A>
inline constexpr bool hides_futures = false;
template <class A>
requires requires { typename A::value_type; }
inline constexpr bool hides_futures<A> =
    std::is_base_of_v<FutureBase, typename A::value_type> && !std::is_base_of_v<FutureBase, A>;
template <class T>
inline constexpr bool hides_futures<std::vector<Future<T>>> = false;

/// Refuses, in words, futures in what is no vector.
template <class... A>
constexpr bool check_futures() {
    constexpr bool are_seen = (!hides_futures<A> && ...);
    static_assert(are_seen,
                  "satchel: futures are arguments of a call alone or in a std::vector. Put these "
                  "into a std::vector.");
    return are_seen;
}

/// Refuses, in words, a function that cannot be called with what it would get from the sources.
template <class F, class... Source>
constexpr bool check_sources() {
    constexpr bool accepted = accepts_call<F, typename Source::type...>;
    static_assert(
        accepted,
        "satchel: this function cannot be called with these arguments. A Future<T> arrives as a T, "
        "a std::vector<Future<T>> as a std::vector<T>, and a text in quotes as a std::string; take "
        "them by value or as const T&, but not as T&.");
    return accepted;
}

/// The same for argument `k` of submit(), or the elements of a range of map(), if it is a value.
template <class F, std::size_t k, class A>
constexpr bool check_value() {
    using Source = typename ArgumentOf<A>::source;
    if constexpr (std::is_base_of_v<FutureBase, A> || requires { Source{}.size; }) {
        return true;
    } else {
        return check_kept_argument<F, k, typename Source::type>();
    }
}
template <class F, class... A>
constexpr bool check_values() {
    return []<std::size_t... k>(std::index_sequence<k...>) {
        return (check_value<F, k, A>() && ...);
    }
    (std::index_sequence_for<A...>{});
}

/// Calls `function` with an argument from each source.
template <class F, class... Source>
struct RemoteCall {
    F function;
    std::tuple<Source...> sources;

    using Returned =
        decltype(call_shared(std::declval<const F&>(), std::declval<typename Source::type>()...));
    using Result = std::decay_t<Returned>;

    Value operator()(Arguments& inputs) const {
        return call(inputs, std::index_sequence_for<Source...>{});
    }

  private:
    template <std::size_t... k>
    Value call(Arguments& inputs, std::index_sequence<k...>) const {
        std::array<std::uint32_t, sizeof...(k) + 1> first{};
        ((first[k + 1] = first[k] + std::get<k>(sources).slots()), ...);
        if constexpr (std::is_void_v<Returned>) {
            call_shared(function, get<k>(inputs, first[k], std::get<k>(sources))...);
            return Value::of(Unit{});
        } else {
            return Value::make<Result>(
                call_shared(function, get<k>(inputs, first[k], std::get<k>(sources))...));
        }
    }

    template <std::size_t k, class T>
    static decltype(auto) get(Arguments& inputs, std::uint32_t slot, const OneInput<T>&) {
        if constexpr (takes_ownership<F, k>() || moves_argument<F, T, k>) {
            return T(inputs.take<T>(slot));
        } else {
            return inputs.get<T>(slot);
        }
    }
    template <std::size_t k, class T>
    static std::vector<T> get(Arguments& inputs, std::uint32_t slot, const ListInput<T>& list) {
        std::vector<T> values;
        values.reserve(list.size);
        for (std::uint32_t i = 0; i < list.size; ++i) values.push_back(inputs.take<T>(slot + i));
        return values;
    }
    template <std::size_t k, class T>
    static decltype(auto) get(Arguments& inputs, std::uint32_t, const ColumnInput<T>& column) {
        if constexpr (takes_ownership<F, k>()) {
            return T(column.items[inputs.index()]);
        } else {
            return column.items[inputs.index()];
        }
    }
};

/// Calls the Function that is the first input with the others.
struct CallInput {
    Value operator()(Arguments& inputs) const {
        auto others = inputs.without_first();
        Value result;
        inputs.get<Function>(0)(others, result);
        return result;
    }
};

/// What a call that was made remotely gives: `void` for a function that gives nothing.
template <class Call>
using future_of = Future<
    std::conditional_t<std::is_void_v<typename Call::Returned>, void, typename Call::Result>>;

/// Calls what is an argument itself: a function with much data is sent once, and not with each
/// call.
template <class F>
struct CallFirst {
    template <class... A>
    decltype(auto) operator()(const F& function, A&&... arguments) const {
        return call_shared(function, std::forward<A>(arguments)...);
    }
};
template <class F>
requires requires { typename Signature<F>::parameters; }
struct Signature<CallFirst<F>> {
    using parameters = decltype(std::tuple_cat(std::declval<std::tuple<const F&>>(),
                                               std::declval<typename Signature<F>::parameters>()));
};
template <class F>
struct NamedAfter {
    using type = F;
};
template <class F>
struct NamedAfter<CallFirst<F>> {
    using type = F;
};

/// "inc" for a function or a function object of this name, "lambda", or "function".
[[nodiscard]] std::string call_name(const std::type_info& type);
[[nodiscard]] std::string call_name(const void* function);
template <class F>
std::string call_name_of(const F& f) {
    if constexpr (std::is_pointer_v<F>) {
        return call_name(reinterpret_cast<const void*>(f));
    } else {
        static const std::string name = call_name(typeid(typename NamedAfter<F>::type));
        return name;
    }
}

/// As messages have it. Throws TravelError that names `operation`.
[[nodiscard]] Bytes packed(const Function& function, const std::string& operation);
[[nodiscard]] Bytes packed(const Value& value, const std::string& operation);

/// Throws InvalidArgument for a future that stands for no call.
void require_state(const FutureBase& future);

/// Calls that differ by their index, ready to be sent.
struct EncodedCalls {
    std::string name;
    std::uint32_t count = 1;
    Bytes function = {};
    std::vector<Bytes> literals = {};
    std::vector<FutureBase::State> futures = {};
    /// The inputs of all calls, equally many each: a future's place in `futures`, or a literal's
    /// with literal_bit.
    std::vector<std::uint32_t> references = {};

    void add(const FutureBase& future) {
        require_state(future);
        references.push_back(static_cast<std::uint32_t>(futures.size()));
        futures.push_back(future.state());
    }
    /// What is called. Of a single call, much data in it becomes the first argument.
    void set_function(const Function& called);

    void add(const Value& value) {
        references.push_back(static_cast<std::uint32_t>(literals.size()) | literal_bit);
        literals.push_back(packed(value, name));
    }
};

template <class A>
auto append_argument(EncodedCalls& calls, A&& argument) {
    using Given = std::decay_t<A>;
    using Source = typename ArgumentOf<Given>::source;
    if constexpr (std::is_base_of_v<FutureBase, Given>) {
        calls.add(static_cast<const FutureBase&>(argument));
        return Source{};
    } else if constexpr (requires { Source{}.size; }) {
        for (const auto& one : argument) calls.add(static_cast<const FutureBase&>(one));
        return Source{static_cast<std::uint32_t>(argument.size())};
    } else {
        require_travels<typename Source::type>();
        calls.add(Value::make<typename Source::type>(std::forward<A>(argument)));
        return Source{};
    }
}

}  // namespace satchel::detail
