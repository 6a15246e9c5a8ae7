// What tables are checked for before anything is done by them, and a splitter that cuts by one.
#pragma once

#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include <cstdint>
#include <memory>

namespace satchel::detail {

/// What a piece may have, before or after decoding: a table must not decide how much memory is
/// used. `xz -7` writes blocks of 48 MiB.
constexpr std::uint64_t seek_piece_max = std::uint64_t{64} << 20;

/// What a table may take in memory, as a file has it and as a SeekTable; those of more pieces are
/// not read.
constexpr std::uint64_t table_memory_max = std::uint64_t{256} << 20;
constexpr std::uint64_t pieces_max = table_memory_max / sizeof(SeekPiece);

/// Whether the piece is one, lies in a file of that size and is small enough.
constexpr bool can_be_decoded(const SeekPiece& piece, std::uint64_t file_size) {
    return piece.size > 0 && piece.offset <= file_size && piece.size <= file_size - piece.offset &&
           piece.size <= seek_piece_max && piece.output_size <= seek_piece_max;
}

/// What the piece decodes to; nullptr if that is not what the table tells.
std::shared_ptr<const Guess> decode_as_told(const SeekPiece& told, const Splitter& splitter,
                                            const RandomAccess& file);

/// Cuts where the table says so, and decodes as `splitter` does. Both must outlive it.
std::unique_ptr<Splitter> make_table_splitter(Splitter& splitter, const SeekTable& table);

}  // namespace satchel::detail
