// Reading bits, the highest of each byte first.
#pragma once

#include "bits.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

class BitReader {
  public:
    /// From bit `position` of `data` on.
    BitReader(std::span<const std::byte> data, std::uint64_t position)
        : data_(data), position_(position) {}

    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] std::span<const std::byte> data() const { return data_; }
    [[nodiscard]] bool has(std::uint64_t count) const {
        return position_ + count <= std::uint64_t{data_.size()} * 8;
    }

    /// The next `count` <= 56 bits; zeros beyond the end.
    [[nodiscard]] std::uint64_t peek(unsigned count) const {
        return read_bits(data_, position_, count);
    }
    void skip(std::uint64_t count) { position_ += count; }
    std::uint64_t take(unsigned count) {
        const auto bits = peek(count);
        skip(count);
        return bits;
    }

  private:
    std::span<const std::byte> data_;
    std::uint64_t position_;
};

/// The next bits in a register, for a loop that knows that there are enough.
class BitWindow {
  public:
    /// REQUIRES: eight bytes may be read from where the bits begin, at each refill.
    explicit BitWindow(const BitReader& bits) : next_(bits.data().data() + bits.position() / 8) {
        refill();
        skip(static_cast<unsigned>(bits.position() % 8));
    }

    /// Afterwards there are 56 bits at least.
    void refill() {
        bits_ |= load_big_endian(next_) >> size_;
        next_ += (63 - size_) / 8;
        size_ |= 56;
    }

    /// The next `count` bits, 0 < count <= 32.
    [[nodiscard]] std::uint32_t peek(unsigned count) const {
        return static_cast<std::uint32_t>(bits_ >> (64 - count));
    }
    void skip(unsigned count) {
        bits_ <<= count;
        size_ -= count;
    }

    /// How many bits lie between `begin` and the next one.
    [[nodiscard]] std::uint64_t distance(const std::byte* begin) const {
        return static_cast<std::uint64_t>(next_ - begin) * 8 - size_;
    }
    /// Where bits have not been loaded yet.
    [[nodiscard]] const std::byte* next() const { return next_; }

  private:
    const std::byte* next_;
    std::uint64_t bits_ = 0;
    unsigned size_ = 0;
};

}  // namespace satchel::detail
