// Compressing one block of bzip2 data. Blocks are a whole number of bytes: groups of symbols that
// nobody uses, which all readers skip, fill up their bits. So a block looks the same wherever it
// stands in a stream.
#pragma once

#include <satchel/bytes.hpp>

#include "bz2_format.hpp"
#include "rotation_sort.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

struct Bz2Block {
    Bytes data;
    std::uint32_t crc = 0;
    std::size_t used = 0;  // bytes of the input that it holds
};

/// What a block takes, counted after runs were shortened: as many as with bzip2, which closes a
/// block before it is sure to be full; but for the largest, where room is left for seven groups
/// more than there are symbols for.
constexpr std::size_t bz2_block_capacity(std::int64_t level) {
    constexpr std::size_t symbols_max = (bz2_groups_max - 7) * bz2_group_size;
    return std::min(bz2_block_size(level) - 20, symbols_max - 1);
}

/// The memory that making one needs, at the most, besides its input and its output.
constexpr std::uint64_t bz2_block_memory(std::int64_t level) {
    return rotation_sort_memory(bz2_block_size(level)) + 3 * bz2_block_size(level);
}

/// The block that begins with `data`, of as much of it as fits.
/// REQUIRES: `data` is not empty.
Bz2Block encode_bz2_block(std::span<const std::byte> data, std::int64_t level);

}  // namespace satchel::detail
