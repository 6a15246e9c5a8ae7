// Spelling notes in unused bits, and following them from the end of a file to its start.
#include "deflate_note.hpp"

#include "codec_table.hpp"
#include "seek_table.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <vector>

namespace satchel::detail {
namespace {

constexpr std::size_t blocks = 32;
constexpr std::size_t block_size = note_size / blocks;
constexpr std::size_t bits_a_block = 5;
constexpr unsigned header_bits = 3;  // of a stored block, before the bits that mean nothing

constexpr unsigned size_bits = 31;  // a chunk has at most a GiB, and hardly grows
constexpr unsigned end_bits = 48;
constexpr unsigned check_bits = 32;
constexpr unsigned note_check_bits = 18;
static_assert(2 * size_bits + end_bits + check_bits + note_check_bits == blocks * bits_a_block);

// A final block without contents, which ends every stream of ours.
constexpr std::array final_block{std::byte{0x03}, std::byte{0x00}};

// Headers of ours are shorter, unless they hold a very long name.
constexpr std::uint64_t header_max = 4096;

// Numbers, as bits one behind the other.
class NoteBits {
  public:
    void put(std::uint64_t value, unsigned count) {
        for (unsigned i = 0; i < count; ++i) bits_[at_++] = (value >> i & 1) != 0;
    }

    std::uint64_t take(unsigned count) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < count; ++i) value |= std::uint64_t{bits_[at_++]} << i;
        return value;
    }

    void rewind() { at_ = 0; }

  private:
    std::bitset<blocks * bits_a_block> bits_;
    std::size_t at_ = 0;
};

std::uint64_t check_of(const ChunkNote& note) {
    const std::array<std::uint64_t, 4> numbers{note.compressed_size, note.size, note.end,
                                               note.check};
    std::array<std::byte, numbers.size() * 8> bytes{};
    for (unsigned i = 0; i < bytes.size(); ++i)
        bytes[i] = std::byte(byte_of(numbers[i / 8], i % 8));
    return crc32_append(crc32_initial, bytes) & ((std::uint64_t{1} << note_check_bits) - 1);
}

}  // namespace

Bytes encode_note(const ChunkNote& note) {
    NoteBits bits;
    bits.put(note.compressed_size, size_bits);
    bits.put(note.size, size_bits);
    bits.put(note.end, end_bits);
    bits.put(note.check, check_bits);
    bits.put(check_of(note), note_check_bits);
    bits.rewind();
    Buffer out(note_size);
    for (std::size_t i = 0; i < note_size; i += block_size) {
        out.data()[i] =
            std::byte(static_cast<unsigned char>(bits.take(bits_a_block) << header_bits));
        std::ranges::copy(empty_stored_block, out.data() + i + 1);
    }
    return std::move(out).freeze();
}

std::optional<ChunkNote> decode_note(std::span<const std::byte> data) {
    if (data.size() != note_size) return std::nullopt;
    NoteBits bits;
    for (std::size_t i = 0; i < note_size; i += block_size) {
        const auto first = std::to_integer<unsigned>(data[i]);
        const bool is_empty_block =
            std::ranges::equal(data.subspan(i + 1, block_size - 1), empty_stored_block);
        if (!is_empty_block || first % (1U << header_bits) != 0) return std::nullopt;
        bits.put(first >> header_bits, bits_a_block);
    }
    bits.rewind();
    ChunkNote note{.compressed_size = bits.take(size_bits),
                   .size = bits.take(size_bits),
                   .end = bits.take(end_bits),
                   .check = static_cast<std::uint32_t>(bits.take(check_bits))};
    if (bits.take(note_check_bits) != check_of(note)) return std::nullopt;
    return note;
}

Bytes NotedChunks::append(const CompressedChunk& chunk) {
    const auto check = static_cast<std::uint32_t>(chunk.check);
    const Bytes data = chunks_++ == 0 ? chunk.data : after_note(chunk.data);
    check_ = kind_.join(check_, check, chunk.input_size);
    size_ += chunk.input_size;
    last_ = {.compressed_size = chunk.data.size(), .size = chunk.input_size, .check = check};
    return data;
}

Bytes NotedChunks::finish(const Bytes& trailer) {
    Buffer end;
    end.append(final_block);
    end.append(trailer);
    Bytes data = std::move(end).freeze();
    last_.end = size_;
    return chunks_ > 1 ? after_note(data) : data;
}

// The note on the last chunk, and `data`.
Bytes NotedChunks::after_note(const Bytes& data) {
    Buffer out(note_size + data.size());
    const Bytes note = encode_note(last_);
    std::ranges::copy(data, std::ranges::copy(note, out.data()).out);
    return std::move(out).freeze();
}

namespace {

// The chunks from the last one to the first that can be found.
std::vector<SeekPiece> chunks_backwards(const RandomAccess& file, std::uint64_t header_size,
                                        std::uint64_t position) {
    std::vector<SeekPiece> pieces;
    while (position >= header_size + note_size) {
        position -= note_size;
        const auto note = decode_note(file.read(position, note_size));
        if (!note || note->compressed_size > position - header_size) break;
        const auto end = pieces.empty() ? note->end : pieces.back().output_offset;
        if (note->size > end) break;
        if (pieces.size() == pieces_max) break;
        position -= note->compressed_size;
        pieces.push_back({.offset = position,
                          .size = note->compressed_size,
                          .begin = deflate_border,
                          .end = deflate_border,
                          .output_offset = end - note->size,
                          .output_size = note->size,
                          .check = note->check});
    }
    return pieces;
}

// Whether the chunks are those that the trailer tells of, as far as that can be told.
bool match(const SeekTable& table, const DeflateGuess::Part& said, const DeflateWrapper& wrapper) {
    const bool tells_size = wrapper.trailer_size > sizeof said.said_check;
    if (tells_size && said.said_size != static_cast<std::uint32_t>(table.output_size)) return false;
    auto check = wrapper.check.initial;
    for (const SeekPiece& piece : table.pieces) {
        check =
            wrapper.check.join(check, static_cast<std::uint32_t>(piece.check), piece.output_size);
    }
    return check == said.said_check;
}

}  // namespace

std::optional<SeekTable> table_of_notes(const RandomAccess& file, const DeflateWrapper& wrapper) {
    const auto end_size = final_block.size() + wrapper.trailer_size;
    if (file.size < end_size) return std::nullopt;
    const auto header_size = wrapper.header_size(file.read(0, header_max));
    const Bytes end = file.read(file.size - end_size, end_size);
    if (header_size == 0 || end.size() != end_size ||
        !std::ranges::equal(end.slice(0, final_block.size()), final_block)) {
        return std::nullopt;
    }
    SeekTable table{.pieces = chunks_backwards(file, header_size, file.size - end_size)};
    if (table.pieces.empty()) return std::nullopt;
    std::ranges::reverse(table.pieces);
    SeekPiece& first = table.pieces.front();
    table.output_size = table.pieces.back().output_offset + table.pieces.back().output_size;
    // A part of a chain would tell where its chunks are in their member, and not in the file, which
    // may have others before it.
    if (first.output_offset != 0 || first.offset != header_size) return std::nullopt;
    DeflateGuess::Part said;
    wrapper.read_trailer(std::span(end).subspan(final_block.size()), said);
    if (!match(table, said, wrapper)) return std::nullopt;
    // The first one is decoded with the header, as a stream that begins there.
    first.begin = deflate_start;
    first.size += first.offset;
    first.offset = 0;
    return table;
}

}  // namespace satchel::detail
