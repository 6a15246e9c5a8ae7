// Whole numbers in the byte order of the wire, which is little-endian on every computer.
#pragma once

#include <concepts>
#include <cstddef>

namespace satchel::net {

template <std::unsigned_integral Number>
void store_little_endian(Number number, std::byte* to) {
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        to[i] = static_cast<std::byte>(number >> (8 * i));
    }
}

template <std::unsigned_integral Number>
[[nodiscard]] Number load_little_endian(const std::byte* from) {
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        const auto part = static_cast<Number>(from[i]);
        number = static_cast<Number>(number | static_cast<Number>(part << (8 * i)));
    }
    return number;
}

}  // namespace satchel::net
