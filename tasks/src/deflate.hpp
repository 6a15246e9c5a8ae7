// Deflate (RFC 1951), which gzip and zlib wrap: compressing chunks that can be put one behind the
// other, and decoding one stream.
//
//     stream := header | chunk … | end of deflate | check | …
//     chunk  := deflate blocks, none of them final | border
//     border := 00 00 FF FF | 00 00 00 FF FF              (two empty stored blocks, byte-aligned)
//
// Every chunk is compressed without knowledge of the others, so that it can be decoded without
// them, too. One empty stored block aligns a chunk to bytes; the second, five bytes a chunk, makes
// borders that hardly occur elsewhere: a reader can look for them and decode chunks in parallel.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/codec.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace satchel::detail {

/// What chunks of both formats hold by default: large enough that starting without history costs
/// 0.1 to 0.2 % of the ratio at level 6 (half of what 1 MiB costs; 4 MiB would gain another 0.1 %),
/// small enough for many tasks and little memory.
constexpr std::int64_t deflate_chunk_size = std::int64_t{2} << 20;

/// The parts of a border: lengths of nothing, aligned to bytes; and a whole block before them.
inline constexpr std::array empty_stored_block{std::byte{0x00}, std::byte{0x00}, std::byte{0xFF},
                                               std::byte{0xFF}};
inline constexpr std::array second_border{std::byte{0x00}, std::byte{0x00}, std::byte{0x00},
                                          std::byte{0xFF}, std::byte{0xFF}};

/// One chunk, borders included, by the fastest library at hand. Depends on the arguments and the
/// library's version alone.
Bytes deflate_chunk(std::span<const std::byte> chunk, int level);

/// The same by zlib.
Bytes zlib_chunk(std::span<const std::byte> chunk, int level);

/// How large zlib makes `data`, which `out` has room for.
std::size_t zlib_size(std::span<const std::byte> data, int level, std::span<std::byte> out);

/// Bytes of memory that `deflate_chunk` needs besides its input and output.
std::uint64_t deflate_memory(std::int64_t level);

/// Checksums as zlib defines them; `check` is that of the data before, `…_initial` if there is
/// none.
std::uint32_t crc32_append(std::uint32_t check, std::span<const std::byte> data);
std::uint32_t adler32_append(std::uint32_t check, std::span<const std::byte> data);
constexpr std::uint32_t crc32_initial = 0;
constexpr std::uint32_t adler32_initial = 1;

/// The checksum of two pieces of data from theirs and the length of the second.
std::uint32_t crc32_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);
std::uint32_t adler32_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

/// Decodes one raw deflate stream.
class Inflater {
  public:
    Inflater() = default;
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    virtual ~Inflater() = default;

    /// As Decoder::decode.
    virtual Decoder::Status decode(std::span<const std::byte>& input,
                                   std::span<std::byte>& output) = 0;

    /// Prepares for another stream that begins at `offset` of its file; or for going on at a
    /// byte-aligned end of a block, `history` being the last 32 KiB at most that came before it.
    virtual void reset(std::uint64_t offset, std::span<const std::byte> history = {}) = 0;

    /// Whether all that came so far ends with a block, and that on a byte, and others follow.
    [[nodiscard]] virtual bool at_border() const = 0;

    /// After `finished`: bytes that follow the stream and came with an earlier input than the last,
    /// so that they cannot be given back. At most seven.
    [[nodiscard]] virtual std::span<const std::byte> unread() const { return {}; }
};

/// The fastest there is. `follows`: how many bytes follow each stream at least; if that are fewer
/// than eight, nothing is ever left `unread`.
std::unique_ptr<Inflater> make_inflater(std::size_t follows);

/// The stream that `data` begins with, decoded at once.
struct InflatedWhole {
    enum class Result { ended, no_room, damaged } result = Result::damaged;
    std::size_t input_size = 0;   ///< bytes of the stream
    std::size_t output_size = 0;  ///< and of what it holds
};
InflatedWhole inflate_whole(std::span<const std::byte> data, std::span<std::byte> output);

}  // namespace satchel::detail
