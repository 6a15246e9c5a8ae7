// The lengths of a Huffman code, none above a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

/// The longest code that bzip2 itself writes.
constexpr unsigned huffman_length_max = 17;
constexpr std::size_t huffman_symbols_max = 258;

/// Fills in a length of 1 to huffman_length_max for each symbol, those that never occur included.
/// REQUIRES: 2 <= counts.size() <= huffman_symbols_max, lengths as many; no count above 2^20.
void huffman_lengths(std::span<const std::uint32_t> counts, std::span<std::uint8_t> lengths);

}  // namespace satchel::detail
