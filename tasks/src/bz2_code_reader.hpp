// One table of Huffman codes of a bzip2 block, for reading.
#pragma once

#include "bz2_format.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

class Bz2CodeReader {
  public:
    /// REQUIRES: the lengths are 1 to bz2_code_length_max. They need not make a code: what cannot
    /// be read is noticed by find().
    void build(std::span<const std::uint8_t> lengths);

    /// The symbol, times 32, plus the length of its code, which `bits`, the next
    /// bz2_code_length_max bits, begin with; 0 if there is none.
    [[nodiscard]] std::uint32_t find(std::uint32_t bits) const {
        const auto entry = quick_[bits >> (bz2_code_length_max - quick_bits)];
        return entry != 0 ? entry : find_long(bits);
    }

  private:
    // Most codes are shorter; a table for them fits in the first cache beside five others.
    static constexpr unsigned quick_bits = 10;

    [[nodiscard]] std::uint32_t find_long(std::uint32_t bits) const;
    [[nodiscard]] std::uint32_t entry(std::uint32_t bits, unsigned length) const;

    std::array<std::uint16_t, 1U << quick_bits> quick_{};
    // Of the codes of each length: the end of what they begin, in bz2_code_length_max bits; the
    // first one; and where its symbol lies.
    std::array<std::uint32_t, bz2_code_length_max + 1> ends_{};
    std::array<std::uint32_t, bz2_code_length_max + 1> first_codes_{};
    std::array<std::uint32_t, bz2_code_length_max + 1> first_symbols_{};
    std::array<std::uint16_t, bz2_symbols_max> symbols_{};
};

}  // namespace satchel::detail
