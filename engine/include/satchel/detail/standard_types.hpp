// The types of the standard library, and those that look like them, told by what they offer:
// including the header of each would make every program compile all of them.
#pragma once

#include <satchel/detail/aggregate.hpp>

#include <utility>

namespace satchel::detail {

/// A path: a range whose elements are paths again.
template <class T>
concept PathLike = requires(const T& x) {
    x.native().c_str();
};

template <class T>
concept TupleLike = requires {
    std::tuple_size<T>::value;
};

template <class T>
concept OptionalLike = requires(const T& x) {
    x.has_value();
    *x;
};

template <class T>
concept VariantLike = requires(const T& x) {
    x.valueless_by_exception();
    x.index();
};

template <class T>
concept DurationLike = requires(const T& x) {
    typename T::period;
    static_cast<typename T::rep>(x.count());
};

template <class T>
concept TimePointLike = requires(const T& x) {
    typename T::clock;
    x.time_since_epoch();
};

/// What a tuple, a pair or a variant is made of: `decltype(parts_of(x))`.
template <template <class...> class V, class... Parts>
TypeList<Parts...> parts_of(const V<Parts...>&);

}  // namespace satchel::detail
