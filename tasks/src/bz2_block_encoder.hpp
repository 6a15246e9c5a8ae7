// Compressing one block of bzip2 data, from bytes to bits.
#pragma once

#include <satchel/bytes.hpp>

#include "bz2_format.hpp"
#include "rotation_sort.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

// A number of bits; what is left of the last byte does not count.
struct BitString {
    Bytes data{};
    std::uint64_t size = 0;
};

struct Bz2Block {
    BitString bits;
    std::uint32_t crc = 0;
    std::size_t used = 0;  // bytes of the input that it holds
};

/// What a block takes, counted after runs were shortened: as many as with bzip2, which closes a
/// block before it is sure to be full.
constexpr std::size_t bz2_block_capacity(std::int64_t level) { return bz2_block_size(level) - 20; }

/// The memory that making one needs, at the most, besides its input and its output.
constexpr std::uint64_t bz2_block_memory(std::int64_t level) {
    return rotation_sort_memory(bz2_block_size(level)) + 3 * bz2_block_size(level);
}

/// The block that begins with `data`, of as much of it as fits.
/// REQUIRES: `data` is not empty.
Bz2Block encode_bz2_block(std::span<const std::byte> data, std::int64_t level);

}  // namespace satchel::detail
