// Bits of a stream that has the highest bit of each byte first, as bzip2 does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

/// The eight bytes from `data` on, as a number.
inline std::uint64_t load_big_endian(const std::byte* data) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value = value << 8 | std::to_integer<std::uint64_t>(data[i]);
    return value;
}

/// The four bytes of `value`, from `data` on.
inline void store_big_endian(std::byte* data, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) data[i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

/// `count` <= 56 bits of `data` from bit `position` on; zeros beyond the end.
inline std::uint64_t read_bits(std::span<const std::byte> data, std::uint64_t position,
                               unsigned count) {
    std::uint64_t window = 0;
    const auto first = static_cast<std::size_t>(position / 8);
    for (std::size_t i = first; i < first + 8; ++i) {
        window = window << 8 | (i < data.size() ? std::to_integer<std::uint64_t>(data[i]) : 0);
    }
    return window << position % 8 >> (64 - count);
}

}  // namespace satchel::detail
