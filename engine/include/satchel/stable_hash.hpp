/// stable_hash: the same number for equal values, in every process and every build.
///
///     satchel::stable_hash(std::string("key"));
///
///     namespace mine {
///     struct Point { int x, y; };
///     std::uint64_t stable_hash(const Point& p) { return satchel::stable_hash(std::tuple(p.x,
///     p.y)); }
///     }
///
/// It decides where a key belongs, so it must not be std::hash, which promises nothing of the kind.
/// Known are numbers, enums, strings, paths, Bytes, and tuples, pairs, optionals, variants, ranges
/// and simple aggregates of what is known, of themselves too; another type of your own needs an
/// overload in its namespace, and so does an aggregate whose == takes different members for equal.
/// Not for use against hostile keys.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/detail/short_string.hpp>
#include <satchel/detail/standard_types.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel {

namespace detail {

/// Mixes two numbers by a 128-bit product, as wyhash does (Wang Yi,
/// github.com/wangyi-fudan/wyhash).
constexpr std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto product = static_cast<Wide>(a ^ 0xA076'1D64'78BD'642F) * (b ^ 0xE703'7ED1'A0B4'28DB);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Up to eight bytes as a number, the first as its lowest digits. Pieces that may overlap, because
/// a copy of unknown length is a call.
inline std::uint64_t few_bytes(const char* at, std::size_t size) noexcept {
    if (size == 8) return word_at<std::uint64_t>(at);
    if (size >= 4) {
        return word_at<std::uint32_t>(at) | word_at<std::uint32_t>(at + size - 4) << 8 * (size - 4);
    }
    if (size == 0) return 0;
    return word_at<std::uint8_t>(at) | word_at<std::uint8_t>(at + size / 2) << 8 * (size / 2) |
           word_at<std::uint8_t>(at + size - 1) << 8 * (size - 1);
}

inline std::uint64_t hash_bytes(std::string_view text) noexcept {
    std::uint64_t hash = text.size();
    while (text.size() > 8) {
        hash = hash_mix(hash, word_at<std::uint64_t>(text.data()));
        text.remove_prefix(8);
    }
    return hash_mix(hash, few_bytes(text.data(), text.size()));
}

/// The same as hash_bytes().
inline std::uint64_t hash_string(const std::string& string) noexcept {
    if (string.size() > string_room) return hash_bytes(string);
    const auto hash = hash_mix(string.size(), string_word(string, 0));
    return string.size() > 8 ? hash_mix(hash, string_word(string, 8)) : hash;
}

struct StableHash;

/// A simple aggregate: hashed like the tuple of its members, if nothing else is said.
template <class T>
inline constexpr bool hashes_by_members = std::is_aggregate_v<T>&& member_count<T> != not_simple;

template <class T>
concept HasStandardHash = requires(const T& x) {
    std::hash<T>{}(x);
};

/// A range whose elements say what it is. Where they are of its own type, as those of JSON, it may
/// be the only element of itself: what it says itself counts, if it says anything.
template <class T>
inline constexpr bool is_range_of_others = false;
template <std::ranges::input_range T>
inline constexpr bool is_range_of_others<T> =
    !(std::is_same_v<std::ranges::range_value_t<T>, T> && HasStandardHash<T>);

/// `Outer…` are the types that `T` is a part of, which are being asked about.
template <class T, class... Outer>
constexpr bool knows_hash_of();

}  // namespace detail

/// The types that stable_hash() knows by itself.
template <class T>
requires(detail::knows_hash_of<T>()) std::uint64_t stable_hash(const T& value);

namespace detail {
/// Calls stable_hash, the user's if there is one.
struct StableHash {
    template <class T>
    requires requires(const T& value) { stable_hash(value); }
    std::uint64_t operator()(const T& value) const { return stable_hash(value); }
};
template <class T>
concept StablyHashable = std::is_invocable_v<StableHash, const T&>;

namespace own_hash {
void stable_hash() = delete;  // so that only functions in the namespace of `T` are found
template <class T>
concept Exists = requires(const T& value) {
    stable_hash(value);
};
}  // namespace own_hash

/// Whether a part of something else has a hash.
template <class Part, class... Outer>
constexpr bool is_hashable_part() {
    using T = std::remove_cvref_t<Part>;
    if constexpr ((std::is_same_v<T, Outer> || ...)) {
        return true;
    } else if constexpr (knows_hash_of<T, Outer...>()) {
        return true;
    } else {
        return own_hash::Exists<T>;
    }
}
template <class... Outer, class... Parts>
constexpr bool are_hashable(TypeList<Parts...>) {
    return (is_hashable_part<Parts, Outer...>() && ...);
}
template <class T, class... Outer>
constexpr bool knows_hash_of() {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::same_as<T, Bytes> ||
                  std::is_convertible_v<const T&, std::string_view> || PathLike<T> ||
                  DurationLike<T> || TimePointLike<T>) {
        return true;
    } else if constexpr (is_range_of_others<T>) {
        return is_hashable_part<std::ranges::range_value_t<const T>, T, Outer...>();
    } else if constexpr (TupleLike<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (is_hashable_part<std::tuple_element_t<I, T>, T, Outer...>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (VariantLike<T>) {
        return are_hashable<T, Outer...>(decltype(parts_of(std::declval<const T&>())){});
    } else if constexpr (OptionalLike<T>) {
        return is_hashable_part<decltype(*std::declval<const T&>()), T, Outer...>();
    } else if constexpr (hashes_by_members<T>) {
        return are_hashable<T, Outer...>(member_types<T>{});
    } else {
        return false;
    }
}
}  // namespace detail

template <class T>
requires(detail::knows_hash_of<T>()) std::uint64_t stable_hash(const T& value) {
    const detail::StableHash hash;
    if constexpr (std::is_enum_v<T>) {
        return hash(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_integral_v<T>) {
        return detail::hash_mix(static_cast<std::uint64_t>(value), 0);
    } else if constexpr (std::is_floating_point_v<T>) {
        if (value != value) return 6;                                       // every NaN
        const double wide = value == 0 ? 0.0 : static_cast<double>(value);  // 0.0 == -0.0
        return detail::hash_mix(std::bit_cast<std::uint64_t>(wide), 1);
    } else if constexpr (std::same_as<T, Bytes>) {
        return detail::hash_bytes(value.text());
    } else if constexpr (std::same_as<T, std::string>) {
        return detail::hash_string(value);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return detail::hash_bytes(value);
    } else if constexpr (detail::DurationLike<T>) {
        return hash(value.count());
    } else if constexpr (detail::TimePointLike<T>) {
        return hash(value.time_since_epoch().count());
    } else if constexpr (detail::PathLike<T>) {
        std::uint64_t combined = 7;  // by parts, because "a//b" == "a/b"
        for (const auto& part : value) {
            combined = detail::hash_mix(combined, detail::hash_bytes(part.native()));
        }
        return combined;
    } else if constexpr (detail::is_range_of_others<T>) {
        std::uint64_t combined = 2;
        for (const auto& element : value) {
            if constexpr (requires { typename T::hasher; }) {  // in any order
                combined += hash(element);
            } else {
                combined = detail::hash_mix(combined, hash(element));
            }
        }
        return combined;
    } else if constexpr (detail::TupleLike<T>) {
        std::uint64_t combined = 3;
        const auto add = [&](const auto&... part) {
            ((combined = detail::hash_mix(combined, hash(part))), ...);
        };
        std::apply(add, value);
        return combined;
    } else if constexpr (detail::VariantLike<T>) {
        if (value.valueless_by_exception()) return 8;
        const auto held = visit([&](const auto& x) { return hash(x); }, value);
        return detail::hash_mix(8 + value.index(), held);
    } else if constexpr (detail::hashes_by_members<T>) {
        return detail::visit_members(value, [&](const auto&... member) {
            return hash(std::tuple<const decltype(member)&...>(member...));
        });
    } else {
        return value.has_value() ? detail::hash_mix(4, hash(*value)) : 5;
    }
}

}  // namespace satchel
