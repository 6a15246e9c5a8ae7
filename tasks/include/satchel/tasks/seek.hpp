/// Reading a part of what a compressed file holds, without decoding what comes before it.
///
///     const satchel::RandomAccess file{size, read};  // Bytes read(offset, n)
///     if (const auto table = codec.seek_table(file)) {
///         satchel::read_range(codec, file, *table, {.offset = 1 << 30, .length = 100}, write);
///     }
///
/// Some formats tell where they can be entered: xz by its index, zstd by a table, the gzip and zlib
/// files of satchel by notes between the chunks. For others, decoding the file once gives a table
/// (`ParallelDecompressOptions::on_piece`), which `encode_index` makes a file of.
///
/// A table is believed as far as offsets go, like that of any such file. What is decoded by it has
/// passed the format's checks.
///
/// Thread safety: these are values and functions; distinct ones may be used from any thread.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace satchel {

/// A file that can be read anywhere.
struct RandomAccess {
    std::uint64_t size = 0;
    /// `size` bytes from `offset` on, fewer at the end. Called from several threads.
    std::function<Bytes(std::uint64_t offset, std::uint64_t size)> read = {};
};

class InputFile;

/// `file`, read by its offsets. It must outlive what is returned, and be seekable.
[[nodiscard]] RandomAccess random_access(const InputFile& file);

/// A part of a compressed file that can be decoded by itself: a Piece, and what it decodes to.
struct SeekPiece {
    std::uint64_t offset = 0;  ///< in the compressed file
    std::uint64_t size = 0;
    std::uint64_t begin = 0;  ///< as in Piece
    std::uint64_t end = 0;
    std::uint64_t output_offset = 0;  ///< in what was compressed
    std::uint64_t output_size = 0;
    std::uint64_t check = 0;  ///< as Guess::check

    friend bool operator==(const SeekPiece&, const SeekPiece&) = default;
};

/// The pieces of a file, in their order. Between them may be gaps, which cannot be entered.
struct SeekTable {
    std::vector<SeekPiece> pieces{};
    std::uint64_t output_size = 0;  ///< of all that was compressed
    /// Whether more than the table itself tells what its pieces decode to: the pieces, or a check.
    /// If nothing does, they can be decoded one by one, but a place in the output is not believed.
    bool is_confirmed = true;

    friend bool operator==(const SeekTable&, const SeekTable&) = default;
};

/// A part of what was compressed.
struct OutputRange {
    std::uint64_t offset = 0;
    std::uint64_t length = std::numeric_limits<std::uint64_t>::max();
};

/// Gives what is in the range, as far as the file has it, to `write`, in order, on the calling
/// thread, until that returns false; decodes on the executor. Returns how many bytes that were:
/// fewer than the range has if there is a gap, or a piece that is not what the table tells; none by
/// a table that is not confirmed.
std::uint64_t read_range(const Codec& codec, const RandomAccess& file, const SeekTable& table,
                         const OutputRange& range, const std::function<bool(const Bytes&)>& write,
                         const ExecutorReference& executor = {});

/// The table of `file`, compressed by `codec`, as a file of its own.
[[nodiscard]] Bytes encode_index(const SeekTable& table, const Codec& codec,
                                 const RandomAccess& file);

/// Whether `data` begins as an index does.
[[nodiscard]] bool is_index(std::span<const std::byte> data);

/// The table in an index. Throws CorruptData if it is damaged, or that of another file.
[[nodiscard]] SeekTable decode_index(std::span<const std::byte> data, const Codec& codec,
                                     const RandomAccess& file);

}  // namespace satchel
