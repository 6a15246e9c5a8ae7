// What a block of bzip2 data was decoded to, by the decoder itself or elsewhere.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/splitter.hpp>

#include "bz2_runs.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

struct ExpandedBlock {
    Bytes data{};       // with its runs expanded
    Bytes shortened{};  // as it was decoded, if `data` would be too large to be kept
    std::size_t shortened_size = 0;
    std::uint32_t crc = 0;
    bool is_damaged = false;

    [[nodiscard]] bool is_complete() const { return shortened.empty(); }

    [[nodiscard]] bool is_right(std::uint32_t expected) const {
        return !is_damaged && crc == expected;
    }
    [[nodiscard]] std::span<const std::uint8_t> text() const {
        return {reinterpret_cast<const std::uint8_t*>(shortened.data()), shortened.size()};
    }
};

/// Expands the runs of a block, whose `shortened` text that is.
ExpandedBlock expand_bz2_block(Bytes shortened);

/// What the block holds, however large that is.
Bytes whole_bz2_block(const ExpandedBlock& block);

/// A block that was found between two magic numbers. If it is too large to be kept, `data` is empty
/// and the decoder that takes the guess over has something to give.
class Bz2Guess : public Guess {
  public:
    std::uint64_t begin = 0;  // in bits of the file
    std::uint64_t end = 0;
    std::uint32_t crc = 0;
    ExpandedBlock block;
};

}  // namespace satchel::detail
