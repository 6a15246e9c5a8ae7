// What the codec files share: the function that each defines for the table in codec.cpp, and the
// few helpers that all of them need.
#pragma once

#include <satchel/tasks/codec.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace satchel::detail {

const Codec& gzip_codec();
const Codec& zlib_codec();
const Codec& bz2_codec();
const Codec& xz_codec();
const Codec& zstd_codec();  // where libzstd is there

/// All of them.
std::span<const Codec* const> own_codecs();

/// The level to compress `chunk` with. Throws InvalidArgument for options that are out of range and
/// for a chunk of more than `chunk_size_max`.
int checked_level(const Codec& codec, std::span<const std::byte> chunk,
                  const CompressOptions& options);

/// The least that is worth a task, and the most that every library counts without overflow.
constexpr std::int64_t chunk_size_min = std::int64_t{64} << 10;
constexpr std::int64_t chunk_size_max = std::int64_t{1} << 30;

/// Bytes written one by one: headers and trailers.
Bytes bytes_of(std::initializer_list<unsigned> values);

/// Whether `data` starts with the bytes `magic`, or ends within them: a file that was cut off there
/// should be reported as cut off.
bool begins(std::span<const std::byte> data, std::initializer_list<unsigned> magic);

/// Moves bytes from the front of `input` to `field`, behind the `filled` that it has, until it is
/// full. Gives how many.
std::size_t gather(std::span<const std::byte>& input, std::span<std::byte> field,
                   std::size_t& filled);

/// The `index`-th byte of `value`, the lowest being 0.
constexpr unsigned byte_of(std::unsigned_integral auto value, unsigned index) {
    return static_cast<unsigned>(value >> (8 * index)) & 0xFF;
}

/// The number that `data` spells, least significant byte first; at most eight bytes.
constexpr std::uint64_t little_endian(std::span<const std::byte> data) {
    std::uint64_t value = 0;
    for (std::size_t i = data.size(); i-- > 0;) {
        value = value << 8 | std::to_integer<std::uint64_t>(data[i]);
    }
    return value;
}

}  // namespace satchel::detail
