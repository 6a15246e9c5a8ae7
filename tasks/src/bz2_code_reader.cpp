// Codes of the same length follow each other, and what longer codes begin with comes behind them.
#include "bz2_code_reader.hpp"

namespace satchel::detail {

void Bz2CodeReader::build(std::span<const std::uint8_t> lengths) {
    std::uint32_t code = 0;
    std::uint32_t count = 0;
    for (unsigned length = 1; length <= bz2_code_length_max; ++length) {
        first_codes_[length] = code;
        first_symbols_[length] = count;
        for (std::size_t s = 0; s < lengths.size(); ++s) {
            if (lengths[s] != length) continue;
            symbols_[count++] = static_cast<std::uint16_t>(s);
            ++code;
        }
        ends_[length] = code << (bz2_code_length_max - length);
        code *= 2;
    }
    unsigned length = 1;
    for (std::uint32_t i = 0; i < quick_.size(); ++i) {
        const auto bits = i << (bz2_code_length_max - quick_bits);
        while (length <= quick_bits && bits >= ends_[length]) ++length;
        quick_[i] = length > quick_bits ? std::uint16_t{0}
                                        : static_cast<std::uint16_t>(entry(bits, length));
    }
}

std::uint32_t Bz2CodeReader::find_long(std::uint32_t bits) const {
    for (unsigned length = quick_bits + 1; length <= bz2_code_length_max; ++length) {
        if (bits < ends_[length]) return entry(bits, length);
    }
    return 0;
}

// REQUIRES: it is the least length for which `bits` lie below the end. So they are not less than
// the first code, which is where the shorter ones end; also if there are more codes than fit.
std::uint32_t Bz2CodeReader::entry(std::uint32_t bits, unsigned length) const {
    const auto code = bits >> (bz2_code_length_max - length);
    const auto symbol = symbols_[first_symbols_[length] + code - first_codes_[length]];
    return symbol * 32U + length;
}

}  // namespace satchel::detail
