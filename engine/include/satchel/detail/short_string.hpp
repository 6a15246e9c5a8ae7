// Short strings made, copied and looked at without a call or a branch on their size, which in words
// no processor can foretell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace satchel::detail {

/// So many bytes of a std::string can be read, however short it is: it has room for short ones in
/// itself, and allocates no less than that.
inline constexpr std::size_t string_room = 16;
static_assert(sizeof(std::string) > string_room);

/// What fits into that, with the zero behind it.
inline constexpr std::size_t short_string_max = string_room - 1;

template <class Word>
std::uint64_t word_at(const char* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// The 8 bytes from `from` on as a number, with zeros for those behind the end. REQUIRES: from <=
/// string.size(), from + 8 <= string_room.
inline std::uint64_t string_word(const std::string& string, std::size_t from) noexcept {
    const auto size = std::min<std::size_t>(string.size() - from, 8);
    const auto half = 4 * (8 - size);  // of the bits behind the end: all 64 are no shift
    return word_at<std::uint64_t>(string.data() + from) << half << half >> half >> half;
}

/// one == other
inline bool is_same_string(const std::string& one, const std::string& other) noexcept {
    const auto size = one.size();
    if (size != other.size()) return false;
    if (size > string_room) return std::memcmp(one.data(), other.data(), size) == 0;
    return string_word(one, 0) == string_word(other, 0) &&
           (size <= 8 || string_word(one, 8) == string_word(other, 8));
}

/// Puts `size` bytes into `place`. REQUIRES: size <= short_string_max; string_room bytes at `from`
/// can be read.
[[gnu::flatten]] inline void put_short_string(std::string& place, const char* from,
                                              std::size_t size) {
    place.assign(from, short_string_max);
    place.erase(size);
}

/// Whether `x` is a string that put_short_string() can make of itself, or no string.
template <class T>
bool is_short_if_string(const T& x) noexcept {
    if constexpr (std::is_same_v<T, std::string>) return x.size() <= short_string_max;
    return true;
}

}  // namespace satchel::detail
