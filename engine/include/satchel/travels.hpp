/// travels<T>: whether objects of type T can reach another process, and how.
///
///     static_assert(satchel::travels<std::map<std::string, std::vector<double>>>);
///
///     struct Scale { double k; double operator()(double x) const { return k * x; } };
///     static_assert(satchel::travels<Scale>);         // simple aggregates need no code
///
/// Numbers, enums, the standard's strings, containers, optional, variant, tuples, times and paths
/// travel, and so do `Bytes`, functions, objects without data (captureless lambdas), types with
/// `serialize(Archive&, unsigned)` (a member, or a function in the type's namespace) and a default
/// constructor, and simple aggregates: at most 16 members that travel, no bases, no C arrays, no
/// references. A pointer, a view, a lambda with captures and a std::function do not.
///
/// A type with a private serialize declares `friend struct satchel::SerializationAccess;`. What the
/// rules misjudge is told by `template <> inline constexpr bool satchel::travels<Mine> = true;`.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/detail/standard_types.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel {

class OutputArchive;
class InputArchive;

/// Calls the members by which an object is written and read; a friend of types that keep them
/// private.
struct SerializationAccess {
    template <class Archive, class T>
    static void serialize(Archive& archive, T& object, unsigned version) {
        object.serialize(archive, version);
    }
    template <class Archive, class T>
    static void save(Archive& archive, const T& object, unsigned version) {
        object.save(archive, version);
    }
    template <class Archive, class T>
    static void load(Archive& archive, T& object, unsigned version) {
        object.load(archive, version);
    }

    // By overloads, because compilers look at access in a requires-expression too early.
    template <class Archive, class T,
              class = decltype(std::declval<T&>().serialize(std::declval<Archive&>(), 0U))>
    static std::true_type test_serialize(int);
    template <class Archive, class T>
    static std::false_type test_serialize(...);
    /// Whether an archive can call serialize.
    template <class Archive, class T>
    static constexpr bool has_serialize = decltype(test_serialize<Archive, T>(0))::value;

    template <class C, class R, class V>
    static C declaring_class(R (C::*)(OutputArchive&, V));
    template <class T, class C = decltype(declaring_class(&T::template serialize<OutputArchive>))>
    static C test_declaring(int);
    template <class T>
    static T test_declaring(...);
    /// The class that declares serialize, where that is a template of the usual shape.
    template <class T>
    using Declaring = decltype(test_declaring<T>(0));
};

/// Whether objects of type `T` travel in the format of the Boost library, which knows pointers:
/// see boost_serialization.hpp.
template <class T>
inline constexpr bool through_boost = false;

namespace detail {

/// Why objects of a type do not travel.
enum class TravelProblem : unsigned char {
    none,
    opaque,           // a lambda with captures, or a class without serialize
    pointer,          // or a reference
    member_function,  // a pointer to one
    hidden,           // a standard type that does not show what it holds, or owns nothing
    no_default,       // has serialize, but cannot be made first
    inherited         // has only the serialize of a base
};

/// How objects of a type are written.
enum class Form : unsigned char {
    unknown,
    boost,
    number,
    enumeration,
    function,     // a pointer to one
    data_member,  // a pointer to one
    bytes,
    member,  // by its own serialize …
    free,    // … or the one of its namespace
    path,
    sequence,
    array,
    tuple,
    optional,
    variant,
    unique_pointer,
    duration,
    time_point,
    complex,
    empty,
    aggregate
};

namespace free_serialize {
void serialize() = delete;  // so that only functions in the namespace of `T` are found
template <class Archive, class T>
concept Exists = requires(Archive& archive, T& object) {
    serialize(archive, object, 0U);
};
template <class Archive, class T>
void call(Archive& archive, T& object, unsigned version) {
    serialize(archive, object, version);
}
}  // namespace free_serialize

template <class T>
concept UniquePointer = requires(T& x) {
    typename T::deleter_type;
    x.release();
    requires std::is_empty_v<typename T::deleter_type>;
    requires !std::is_array_v<typename T::element_type>;
};
template <class T>
concept ComplexLike = requires(T& x) {
    typename T::value_type;
    x.real(x.imag());
};
template <class T>
concept SequenceLike = requires(T& x) {
    typename T::value_type;
    x.begin();
    x.end();
    x.size();
    x.clear();
    x.get_allocator();
};

template <class T>
inline constexpr bool is_restorable = std::is_empty_v<T> && (std::default_initializable<T> ||
                                                             std::is_trivially_copyable_v<T>);

template <class T>
consteval Form standard_form() {
    if constexpr (PathLike<T>) {
        return Form::path;
    } else if constexpr (SequenceLike<T>) {
        return Form::sequence;
    } else if constexpr (TupleLike<T>) {
        return requires(T & x) { x.data(); }
        ? Form::array : Form::tuple;
    } else if constexpr (OptionalLike<T>) {
        return Form::optional;
    } else if constexpr (VariantLike<T>) {
        return Form::variant;
    } else if constexpr (UniquePointer<T>) {
        return Form::unique_pointer;
    } else if constexpr (DurationLike<T>) {
        return Form::duration;
    } else if constexpr (TimePointLike<T>) {
        return Form::time_point;
    } else if constexpr (ComplexLike<T>) {
        return Form::complex;
    } else {
        return is_restorable<T> ? Form::empty : Form::unknown;
    }
}

template <class T>
consteval Form form_of() {
    if constexpr (through_boost<T>) {
        return Form::boost;
    } else if constexpr (std::is_arithmetic_v<T>) {
        return Form::number;
    } else if constexpr (std::is_enum_v<T>) {
        return Form::enumeration;
    } else if constexpr (std::is_null_pointer_v<T>) {
        return Form::empty;
    } else if constexpr (std::is_pointer_v<T>) {
        return std::is_function_v<std::remove_pointer_t<T>> ? Form::function : Form::unknown;
    } else if constexpr (std::is_member_object_pointer_v<T>) {
        return Form::data_member;
    } else if constexpr (std::is_bounded_array_v<T>) {
        return Form::array;
    } else if constexpr (!std::is_class_v<T>) {
        return Form::unknown;
    } else if constexpr (std::same_as<T, Bytes>) {
        return Form::bytes;
    } else if constexpr (is_standard<T>()) {
        return standard_form<T>();
    } else if constexpr (SerializationAccess::has_serialize<OutputArchive, T> &&
                         SerializationAccess::has_serialize<InputArchive, T>) {
        return Form::member;
    } else if constexpr (free_serialize::Exists<OutputArchive, T> &&
                         free_serialize::Exists<InputArchive, T>) {
        return Form::free;
    } else if constexpr (is_restorable<T>) {
        return Form::empty;
    } else {
        return member_count<T> == not_simple ? Form::unknown : Form::aggregate;
    }
}
template <class T>
inline constexpr Form form = form_of<T>();

template <class T, class... Outer>
consteval TravelProblem problem_of();

// A serialize that a base declares knows nothing of the members that `T` adds.
template <class T>
inline constexpr bool inherits_serialize = sizeof(SerializationAccess::Declaring<T>) != sizeof(T);

constexpr TravelProblem first_of(std::initializer_list<TravelProblem> problems) {
    for (const auto problem : problems) {
        if (problem != TravelProblem::none) return problem;
    }
    return TravelProblem::none;
}

template <class... Outer, class... M>
consteval TravelProblem problem_of_all(TypeList<M...>) {
    return first_of({problem_of<std::remove_const_t<M>, Outer...>()...});
}

template <class T>
consteval TravelProblem problem_of_unknown() {
    if constexpr (std::is_member_function_pointer_v<T>) {
        return TravelProblem::member_function;
    } else if constexpr (std::is_pointer_v<T> || std::is_reference_v<T>) {
        return TravelProblem::pointer;
    } else {
        return std::is_class_v<T> && is_standard<T>() ? TravelProblem::hidden
                                                      : TravelProblem::opaque;
    }
}

// What a container compares or hashes by does not travel with it.
template <class T>
consteval TravelProblem problem_of_order() {
    bool is_in_type = true;
    if constexpr (requires { typename T::key_compare; }) {
        is_in_type = is_in_type && std::is_empty_v<typename T::key_compare>;
    }
    if constexpr (requires { typename T::hasher; }) {
        is_in_type = is_in_type && std::is_empty_v<typename T::hasher> &&
                     std::is_empty_v<typename T::key_equal>;
    }
    return is_in_type ? TravelProblem::none : TravelProblem::opaque;
}

template <class T, class... Outer>
consteval TravelProblem problem_of_structure() {
    if constexpr (form<T> == Form::sequence) {
        const auto own =
            std::default_initializable<T> ? TravelProblem::none : TravelProblem::opaque;
        if constexpr (requires { typename T::mapped_type; }) {
            return first_of({own, problem_of_order<T>(),
                             problem_of<typename T::key_type, T, Outer...>(),
                             problem_of<typename T::mapped_type, T, Outer...>()});
        } else {
            return first_of(
                {own, problem_of_order<T>(), problem_of<typename T::value_type, T, Outer...>()});
        }
    } else if constexpr (form<T> == Form::array) {
        return problem_of<std::remove_cvref_t<decltype(std::declval<T&>()[0])>, T, Outer...>();
    } else if constexpr (form<T> == Form::tuple || form<T> == Form::variant) {
        return problem_of_all<T, Outer...>(decltype(parts_of(std::declval<T>())){});
    } else if constexpr (form<T> == Form::optional) {
        return problem_of<typename T::value_type, T, Outer...>();
    } else if constexpr (form<T> == Form::unique_pointer) {
        return std::is_polymorphic_v<typename T::element_type>
                   ? TravelProblem::pointer
                   : problem_of<typename T::element_type, T, Outer...>();
    } else {
        return problem_of_all<T, Outer...>(member_types<T>{});
    }
}

}  // namespace detail

/// Whether objects of type `T` can be sent to another process.
template <class T>
inline constexpr bool travels = detail::problem_of<T>() == detail::TravelProblem::none;

/// The last enumerator of `E`, where what is read must not lie past it:
/// `template <> inline constexpr auto satchel::last_enumerator<Color> = Color::blue;`.
template <class E>
inline constexpr auto last_enumerator = nullptr;

namespace detail {

template <class E>
inline constexpr bool has_last_enumerator =
    !std::is_null_pointer_v<std::remove_const_t<decltype(last_enumerator<E>)>>;

/// The first reason why `T` does not travel; `Outer…` are the types that it is a part of.
template <class T, class... Outer>
consteval TravelProblem problem_of() {
    if constexpr ((std::is_same_v<T, Outer> || ...)) {
        return TravelProblem::none;
    } else if constexpr (form<T> == Form::unknown) {
        if constexpr (sizeof...(Outer) != 0) {
            if constexpr (travels<T>) return TravelProblem::none;
        }
        return problem_of_unknown<T>();
    } else if constexpr (form<T> == Form::member || form<T> == Form::free) {
        if constexpr (form<T> == Form::member && inherits_serialize<T>) {
            return TravelProblem::inherited;
        } else {
            return std::default_initializable<T> ? TravelProblem::none : TravelProblem::no_default;
        }
    } else if constexpr (form<T> == Form::sequence || form<T> == Form::array ||
                         form<T> == Form::tuple || form<T> == Form::optional ||
                         form<T> == Form::variant || form<T> == Form::unique_pointer ||
                         form<T> == Form::aggregate) {
        return problem_of_structure<T, Outer...>();
    } else {
        return TravelProblem::none;
    }
}

/// What is wrong, and what to do about it.
[[nodiscard]] std::string_view problem_text(TravelProblem problem);

/// Refuses, in words, a function or value whose way surely leads to another process.
template <class T>
constexpr void require_travels() {
    constexpr auto problem = travels<T> ? TravelProblem::none : problem_of<T>();
    constexpr bool this_can_travel = travels<T>;
    if constexpr (problem == TravelProblem::member_function) {
        static_assert(this_can_travel,
                      "satchel: a pointer to a member function cannot be sent to another process. "
                      "Write satchel::fn<&Class::method>.");
    } else if constexpr (problem == TravelProblem::hidden) {
        static_assert(this_can_travel,
                      "satchel: this type of the standard library does not show what it holds, or "
                      "does not own it (std::function, std::bind, views, std::shared_ptr, "
                      "std::bitset, …), so it cannot be sent to another process. Pass the function "
                      "itself, or a type of your own that has the data, with serialize.");
    } else if constexpr (problem == TravelProblem::pointer) {
        static_assert(
            this_can_travel,
            "satchel: this is or holds a pointer, and an address means nothing in another "
            "process. Hold the object itself.");
    } else if constexpr (problem == TravelProblem::no_default) {
        static_assert(this_can_travel,
                      "satchel: this type has serialize, but no default constructor, so it cannot "
                      "be made again in another process. Give it one.");
    } else if constexpr (problem == TravelProblem::inherited) {
        static_assert(
            this_can_travel,
            "satchel: this type has only the serialize of its base, which would lose its "
            "own members. Give it a serialize that begins with base_object<Base>(*this).");
    } else {
        static_assert(
            this_can_travel,
            "satchel: this carries data (a lambda with captures, or an object without serialize), "
            "and C++ cannot read a capture list, so it cannot be sent to another process. Pass the "
            "data after the function: map([](const T& x, int k) {…}, k), or give the object a "
            "serialize(Archive&, unsigned) member.");
    }
}

}  // namespace detail
}  // namespace satchel
