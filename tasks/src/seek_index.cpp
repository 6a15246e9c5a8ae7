// An index: the table of a compressed file, in a file of its own.
//
//     index := "satchel index 1\n" | name of the codec, zeros up to 16 bytes
//              | size of the compressed file(8) | CRC-32 of its last 4 KiB(8) | output size(8)
//              | number of pieces(8) | piece … | CRC-32 of all this(8)          (little-endian)
//     piece := offset(8) size(8) begin(8) end(8) output offset(8) output size(8) check(8)
#include <satchel/tasks/seek.hpp>

#include "codec_table.hpp"
#include "deflate.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

constexpr std::string_view magic = "satchel index 1\n";
constexpr std::size_t name_size = 16;
constexpr std::size_t number_size = 8;
constexpr std::size_t head_size = magic.size() + name_size + 4 * number_size;
constexpr std::size_t piece_numbers = 7;
constexpr std::size_t piece_size = piece_numbers * number_size;
constexpr std::uint64_t tail_size = 4096;

// Nearly every change of a compressed file changes its end, where the checks are.
std::uint32_t check_of_end(const RandomAccess& file) {
    const auto size = std::min(tail_size, file.size);
    return detail::crc32_append(detail::crc32_initial, file.read(file.size - size, size));
}

void append_number(Buffer& out, std::uint64_t value) {
    const auto size = out.size();
    out.resize(size + number_size);
    for (unsigned i = 0; i < number_size; ++i) {
        out.data()[size + i] = std::byte(detail::byte_of(value, i));
    }
}

// Numbers, one after the other.
class Numbers {
  public:
    explicit Numbers(std::span<const std::byte> data) : data_(data) {}

    std::uint64_t next() {
        const auto value = detail::little_endian(data_.first(number_size));
        data_ = data_.subspan(number_size);
        return value;
    }

  private:
    std::span<const std::byte> data_;
};

Bytes padded_name(const Codec& codec) {
    std::string name(codec.info().name);
    name.resize(name_size);
    return Bytes(std::move(name));
}

// Pieces follow each other, in the file and in what it holds.
bool in_order(const SeekTable& table, std::uint64_t file_size) {
    std::uint64_t offset = 0;
    std::uint64_t output_offset = 0;
    for (const SeekPiece& piece : table.pieces) {
        const bool fits = piece.offset >= offset && piece.offset <= file_size &&
                          piece.size <= file_size - piece.offset &&
                          piece.output_offset >= output_offset &&
                          piece.output_offset <= table.output_size &&
                          piece.output_size <= table.output_size - piece.output_offset;
        if (!fits) return false;
        offset = piece.offset + piece.size;
        output_offset = piece.output_offset + piece.output_size;
    }
    return true;
}

[[noreturn]] void fail(std::string_view what, std::uint64_t offset) {
    throw CorruptData(fmt::format("cannot use the index: {}", what), offset);
}

}  // namespace

Bytes encode_index(const SeekTable& table, const Codec& codec, const RandomAccess& file) {
    Buffer out;
    out.append(std::as_bytes(std::span(magic)));
    out.append(padded_name(codec));
    for (const auto number : {file.size, std::uint64_t{check_of_end(file)}, table.output_size,
                              std::uint64_t{table.pieces.size()}}) {
        append_number(out, number);
    }
    for (const SeekPiece& piece : table.pieces) {
        for (const auto number : {piece.offset, piece.size, piece.begin, piece.end,
                                  piece.output_offset, piece.output_size, piece.check}) {
            append_number(out, number);
        }
    }
    append_number(out, detail::crc32_append(detail::crc32_initial, out));
    return std::move(out).freeze();
}

bool is_index(std::span<const std::byte> data) {
    return data.size() >= magic.size() &&
           std::ranges::equal(data.first(magic.size()), std::as_bytes(std::span(magic)));
}

SeekTable decode_index(std::span<const std::byte> data, const Codec& codec,
                       const RandomAccess& file) {
    if (!is_index(data)) fail("it does not begin as one", 0);
    if (data.size() < head_size + number_size) fail("it is cut off", data.size());
    const auto contents = data.first(data.size() - number_size);
    if (detail::little_endian(data.last(number_size)) !=
        detail::crc32_append(detail::crc32_initial, contents)) {
        fail("it is damaged or cut off", contents.size());
    }
    const bool same_codec =
        std::ranges::equal(data.subspan(magic.size(), name_size), padded_name(codec));
    Numbers head(data.subspan(magic.size() + name_size));
    const bool same_size = head.next() == file.size;
    const bool same_end = same_size && head.next() == check_of_end(file);
    if (!same_codec || !same_end) fail("it is that of another file", magic.size());
    SeekTable table{.output_size = head.next()};
    const auto count = head.next();
    if (count != (contents.size() - head_size) / piece_size ||
        (contents.size() - head_size) % piece_size != 0) {
        fail("it does not have the pieces that it tells of", head_size);
    }
    Numbers numbers(contents.subspan(head_size));
    table.pieces.resize(static_cast<std::size_t>(count));
    for (SeekPiece& piece : table.pieces) {
        for (auto* const number : {&piece.offset, &piece.size, &piece.begin, &piece.end,
                                   &piece.output_offset, &piece.output_size, &piece.check}) {
            *number = numbers.next();
        }
    }
    if (!in_order(table, file.size)) fail("its pieces are in no order", head_size);
    return table;
}

}  // namespace satchel
