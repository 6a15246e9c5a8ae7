// A list of the 256 bytes in which those that were used latest come first: the move-to-front step
// of bzip2, in both directions. Eight of them lie in a word, the first in its lowest byte, and are
// looked at, and moved, at once.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

class RecentBytes {
  public:
    /// The bytes of `first` come first, in this order.
    explicit RecentBytes(std::span<const std::uint8_t> first = {}) {
        for (std::size_t i = 0; i < first.size(); ++i) {
            words_[i / 8] |= std::uint64_t{first[i]} << 8 * (i % 8);
        }
    }

    [[nodiscard]] std::uint8_t front() const { return static_cast<std::uint8_t>(words_[0]); }

    /// Moves `byte` to the front and gives the place where it was. REQUIRES: it is in the list.
    unsigned use(std::uint8_t byte) {
        constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
        std::uint64_t carry = byte;
        for (unsigned i = 0;; ++i) {
            const auto different = words_[i] ^ ones * byte;
            // The lowest bit that is set marks the first byte that is zero.
            const auto found = (different - ones) & ~different & ones << 7;
            if (found != 0 || i + 1 == words_.size()) [[likely]] {
                const auto bit = static_cast<unsigned>(std::countr_zero(found)) & 63;
                insert(i, bit, carry);
                return 8 * i + bit / 8;
            }
            carry = pass(i, carry);
        }
    }

    /// The byte at `place`, which is moved to the front. REQUIRES: place < 256.
    std::uint8_t take(unsigned place) {
        const auto last = place / 8;
        const auto byte = words_[last] >> 8 * (place % 8) & 0xFF;
        std::uint64_t carry = byte;
        for (unsigned i = 0; i < last; ++i) carry = pass(i, carry);
        insert(last, 8 * (place % 8) + 7, carry);
        return static_cast<std::uint8_t>(byte);
    }

  private:
    // Puts a byte before word `i`, and gives the one that no longer fits.
    std::uint64_t pass(unsigned i, std::uint64_t carry) {
        const auto last = words_[i] >> 56;
        words_[i] = words_[i] << 8 | carry;
        return last;
    }

    // Puts a byte before word `i` in place of the one whose highest bit is `bit`.
    void insert(unsigned i, unsigned bit, std::uint64_t carry) {
        const auto moved = ~std::uint64_t{0} >> (63 - bit);
        words_[i] = (words_[i] & ~moved) | ((words_[i] << 8 | carry) & moved);
    }

    std::array<std::uint64_t, 32> words_{};
};

}  // namespace satchel::detail
