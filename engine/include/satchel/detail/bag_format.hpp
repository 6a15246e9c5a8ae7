// How a Bag is printed by {fmt}. Included by bag.hpp.
#pragma once

#include <satchel/bag.hpp>
#include <satchel/detail/format.hpp>

#include <type_traits>

#include <fmt/core.h>

// {fmt} takes what has begin() and end() for a range.
FMT_BEGIN_NAMESPACE
template <class T, class Char>
struct is_range;
template <class T, class Char>
struct is_range<satchel::Bag<T>, Char> : std::false_type {};
FMT_END_NAMESPACE

template <class T>
struct fmt::formatter<satchel::Bag<T>> : satchel::detail::HandleFormatter {
    auto format(const satchel::Bag<T>& bag, fmt::format_context& context) const {
        return write_bag(bag.node()->description.name, bag.npartitions(), context);
    }
};
