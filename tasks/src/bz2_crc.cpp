// The checksum of bzip2: CRC-32 with the highest bit first, eight bytes at a time.
#include "bz2_format.hpp"

namespace satchel::detail {
namespace {

constexpr std::uint32_t polynomial = 0x04C1'1DB7;
constexpr std::size_t step = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, step>;

// tables[k][b]: what the byte b does to the CRC when k more bytes have passed.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte << 24;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc >> 31) * polynomial;
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < step; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const auto crc = tables[k - 1][byte];
            tables[k][byte] = crc << 8 ^ tables[0][crc >> 24];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t bz2_crc(std::uint32_t crc, std::span<const std::byte> data) {
    crc = ~crc;
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(data[i]); };
    for (; data.size() >= step; data = data.subspan(step)) {
        crc ^= byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
        crc = tables[7][crc >> 24] ^ tables[6][crc >> 16 & 0xFF] ^ tables[5][crc >> 8 & 0xFF] ^
              tables[4][crc & 0xFF] ^ tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^
              tables[0][byte(7)];
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
        crc = crc << 8 ^ tables[0][crc >> 24 ^ byte(i)];
    }
    return ~crc;
}

}  // namespace satchel::detail
