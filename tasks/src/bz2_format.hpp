// What the writer and the reader of bzip2 data share. The bits of a byte come highest first.
//
//     stream    := "BZh" level | block … | 177245385090 | combined CRC(32 bits) | zeros to a byte
//     block     := 314159265359 | CRC(32) | randomised(1) | origin(24) | used bytes | codes
//     used      := which of 16 sets are used(16) | for each of these, which of 16 bytes(16)
//     codes     := tables(3) | groups(15) | the table of each group, moved to front, in unary
//                  | for each table, the lengths of its codes | the symbols
//     lengths   := the first length(5) | for each symbol: (10: one more | 11: one less)… 0
//
// A block is made in three steps, undone in reverse: runs of four to 255 equal bytes become four
// and a count; the rotations of the result are sorted (rotation_sort.hpp); each byte becomes its
// place in a list of bytes in which the latest come first. The symbols are places, but for runs of
// zeros: their lengths are written in bijective base 2, digits run_a and run_b, lowest first.
// Groups of fifty symbols have a code of their own choice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

// What stands before each block and at the end of a stream: 48 bits, at any bit.
constexpr std::uint64_t bz2_block_magic = 0x3141'5926'5359;
constexpr std::uint64_t bz2_end_magic = 0x1772'4538'5090;
constexpr unsigned bz2_magic_bits = 48;
constexpr unsigned bz2_crc_bits = 32;

constexpr std::size_t bz2_block_size(std::int64_t level) {
    return static_cast<std::size_t>(level) * 100'000;
}
constexpr std::size_t bz2_block_size_max = bz2_block_size(9);

constexpr std::size_t bz2_tables_min = 2;
constexpr std::size_t bz2_tables_max = 6;
constexpr std::size_t bz2_group_size = 50;
// What bzip2 has room for. More groups than there are symbols for are allowed, and ignored.
constexpr std::size_t bz2_groups_max = 18'002;
constexpr unsigned bz2_code_length_max = 20;

// Symbols: the digits of runs of zeros, places from one on, and the end of the block, which comes
// after the last place that the block uses.
constexpr std::uint16_t bz2_run_a = 0;
constexpr std::uint16_t bz2_run_b = 1;
constexpr std::size_t bz2_symbols_max = 258;

/// The CRC of what comes before `data`, 0 if that is nothing, goes on to that with `data`.
std::uint32_t bz2_crc(std::uint32_t crc, std::span<const std::byte> data);

}  // namespace satchel::detail
