/// SATCHEL_TASK: a name for a function, by which programs of other builds find it.
///
///     struct Tokenize {
///         std::vector<std::string> operator()(const std::string& line) const;
///     };
///     SATCHEL_TASK("text/tokenize", Tokenize);     // in a source file, at namespace scope
///
/// Within one build every function travels without this. With it, a worker that was linked with the
/// task serves any program: what travels is "text/tokenize" and the function's state. Named are the
/// call `delayed(Tokenize{})(line)`, and `map` and `filter` by it; the engine names its own sources
/// and sinks for bags of Bytes, std::string, std::int64_t and double.
///
/// An object file of a static library that holds nothing but named tasks is dropped by the linker,
/// unless something refers to it: make such a library an object library or a shared one, or link it
/// with `$<LINK_LIBRARY:WHOLE_ARCHIVE,…>`.
#pragma once

#include <satchel/delayed.hpp>
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/code.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/function.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace satchel::detail {

/// Names what the engine itself brings along. Done once where bags are made; for a process that
/// only runs tasks, to be called before the first.
void name_engine_parts();

template <class T>
std::string type_name_of() {
    return std::string("type/") + typeid(T).name();
}

/// Names a type of values.
template <class T>
void name_type() {
    name_code(TypeCode<T>::operations, CodeKind::type, type_name_of<T>());
}

/// Names a type of elements, and how bags read and collect them.
template <class T>
void name_elements() {
    name_type<T>();
    name_type<Items<T>>();
    name_code(*element_operations<T>.read, CodeKind::stream, type_name_of<T>() + "/read");
    name_code(*element_operations<T>.collect, CodeKind::sink, type_name_of<T>() + "/collect");
}

/// What is sent for a parameter: the text that a view looks at.
template <class A>
using sent_argument = std::conditional_t<std::is_same_v<std::decay_t<A>, std::string_view>,
                                         std::string, std::decay_t<A>>;

template <class F, class Parameters>
struct NamedCalls {};
template <class F, class... A>
struct NamedCalls<F, std::tuple<A...>> {
    using Result = call_result<F, A...>;

    static void name(const std::string& name) {
        (name_elements<sent_argument<A>>(), ...);
        if constexpr (!std::is_void_v<Result>) name_elements<Result>();
        name_code(FunctionCodeOf<DelayedCall<F, sent_argument<A>...>>::code, CodeKind::function,
                  name);
        if constexpr (sizeof...(A) == 1 && !std::is_void_v<Result>) {
            name_stages<sent_argument<A>...>(name);
        }
    }

  private:
    template <class In>
    static void name_stages(const std::string& name) {
        name_stage<&make_stage<MapStream<In, Result, F>, In, F>>(name + "/map");
        if constexpr (std::is_convertible_v<Result, bool>) {
            name_stage<make_filter<In, F>>(name + "/filter");
        }
    }
    template <StreamCode::Make make>
    static void name_stage(const std::string& name) {
        name_code(StreamCodeOf<make, F>::code, CodeKind::stream, name);
    }
};

/// What SATCHEL_TASK makes.
template <class F>
struct NamedTask {
    explicit NamedTask(const char* name) {
        static_assert(
            requires { typename Signature<F>::parameters; },
            "satchel: a named task needs exactly one operator(), which is no template: its "
            "parameters say what travels to it.");
        require_travels<F>();
        if constexpr (requires { typename Signature<F>::parameters; }) {
            NamedCalls<F, typename Signature<F>::parameters>::name(name);
        }
    }
};

}  // namespace satchel::detail

#define SATCHEL_TASK_JOIN_(a, b) a##b
#define SATCHEL_TASK_AT_(place, name, ...)                                               \
    namespace {                                                                          \
    [[maybe_unused]] const ::satchel::detail::NamedTask<__VA_ARGS__> SATCHEL_TASK_JOIN_( \
        satchel_task_, place){name};                                                     \
    }                                                                                    \
    static_assert(true)
/// Gives the function object type after `name` that name. To be used once in a program for a name.
#define SATCHEL_TASK(name, ...) SATCHEL_TASK_AT_(__COUNTER__, name, __VA_ARGS__)
