// Writing bits, the highest of each byte first, into memory that is large enough.
#pragma once

#include "bits.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace satchel::detail {

class BitWriter {
  public:
    /// Writes from `out` on, up to seven bytes further than the bits that were put.
    explicit BitWriter(std::byte* out) : begin_(out), out_(out) {}

    /// Appends the lowest `count` <= 32 bits of `value`; the others are zero.
    void put(std::uint64_t value, unsigned count) {
        pending_ = pending_ << count | value;
        pending_size_ += count;
        if (pending_size_ < 32) return;
        pending_size_ -= 32;
        const auto complete = static_cast<std::uint32_t>(pending_ >> pending_size_);
        store_big_endian(out_, complete);
        out_ += 4;
    }

    /// The number of bits that were put.
    [[nodiscard]] std::uint64_t size() const {
        return static_cast<std::uint64_t>(out_ - begin_) * 8 + pending_size_;
    }

    /// Writes what is pending, filled up with zeros.
    void finish() {
        store_big_endian(out_, static_cast<std::uint32_t>(pending_ << (32 - pending_size_)));
    }

  private:
    std::byte* begin_;
    std::byte* out_;
    std::uint64_t pending_ = 0;  // in the lowest bits; those above are already written
    unsigned pending_size_ = 0;  // less than 32
};

}  // namespace satchel::detail
