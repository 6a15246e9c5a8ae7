// Notes: where the chunks of a deflate stream lie, told by the stream itself.
//
//     stream := header | chunk | note | chunk | note | … | end of deflate | check …
//     note   := 32 empty stored blocks, each 000 nnnnn 00 00 FF FF    (bits, lowest first; bytes)
//
// The header of a stored block ends with its byte; what is left of that byte, five bits here, means
// nothing, and all decoders skip it. So the nnnnn of a note spell, lowest bits first: how large the
// chunk before it is compressed (31 bits); how large it was (31); in the last note, how large all
// of them were, else zeros (48); its check (32); and a check of the note (18). So a change of the
// input changes the notes on the chunks that it has changed, and the last one, but no others.
//
// A reader begins with the last note, which lies right before the end, and each note leads to the
// one before it. What looks like a note inside of a chunk does not matter, and nothing but the
// notes is read. If they do not lead to the header, they tell nothing: what is before them may be
// another stream. A stream of one chunk has none.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/seek.hpp>

#include "deflate_body.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace satchel::detail {

struct ChunkNote {
    std::uint64_t compressed_size = 0;  ///< the chunk's border included
    std::uint64_t size = 0;
    std::uint64_t end = 0;  ///< of the last chunk: bytes of all chunks
    std::uint32_t check = 0;

    friend bool operator==(const ChunkNote&, const ChunkNote&) = default;
};

constexpr std::size_t note_size = 160;

Bytes encode_note(const ChunkNote& note);

/// Nothing if `data` is no note.
std::optional<ChunkNote> decode_note(std::span<const std::byte> data);

/// Writes a stream's chunks, with the notes between them, and keeps its check.
class NotedChunks {
  public:
    explicit NotedChunks(const CheckKind& kind) : kind_(kind), check_(kind.initial) {}

    /// Each gives what is to be written next. `finish`: the last note, the end of deflate, and the
    /// trailer of the format.
    Bytes append(const CompressedChunk& chunk);
    Bytes finish(const Bytes& trailer);

    [[nodiscard]] std::uint32_t check() const { return check_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    Bytes after_note(const Bytes& data);

    const CheckKind& kind_;
    std::uint32_t check_;
    std::uint64_t size_ = 0;
    std::uint64_t chunks_ = 0;
    ChunkNote last_;
};

/// The chunks of a file that is one stream with notes; nothing if it is another.
std::optional<SeekTable> table_of_notes(const RandomAccess& file, const DeflateWrapper& wrapper);

}  // namespace satchel::detail
