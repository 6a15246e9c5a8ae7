// Reading the table at the end of a zstd file: random access without decoding.
#include "codec_table.hpp"
#include "zstd_decoder.hpp"
#include "zstd_format.hpp"

#include <algorithm>

namespace satchel::detail {
namespace {

// Nothing checks the table itself, so it is compared with what the frames say of their contents.
// One that is no longer a frame at all is what somebody may want to read around.
bool agrees_with_frame(const SeekPiece& piece, const RandomAccess& file) {
    constexpr std::uint64_t header_size_max = 18;
    const Bytes header = file.read(piece.offset, header_size_max);
    const auto size = ZSTD_getFrameContentSize(header.data(), header.size());
    return size == piece.output_size || size == ZSTD_CONTENTSIZE_ERROR;
}

}  // namespace

std::optional<SeekTable> table_of_zstd_frames(const RandomAccess& file) {
    constexpr std::uint64_t least = skippable_header_size + table_footer_size;
    if (file.size < least) return std::nullopt;
    const Bytes footer = file.read(file.size - table_footer_size, table_footer_size);
    if (footer.size() != table_footer_size ||
        little_endian(std::span(footer).last(4)) != seekable_magic) {
        return std::nullopt;
    }
    const auto count = little_endian(std::span(footer).first(4));
    const bool has_checks = (footer[4] & std::byte{0x80}) != std::byte{0};
    const auto entry_size = table_entry_size + (has_checks ? 4U : 0U);
    const auto contents_size = count * entry_size + table_footer_size;
    if (contents_size > file.size - skippable_header_size) return std::nullopt;
    const auto begin = file.size - contents_size - skippable_header_size;
    const Bytes frame = file.read(begin, file.size - begin);
    if (frame.size() != file.size - begin) return std::nullopt;
    const std::span<const std::byte> data(frame);
    const bool is_table = little_endian(data.first(4)) == table_magic &&
                          little_endian(data.subspan(4, 4)) == contents_size;
    if (!is_table) return std::nullopt;
    SeekTable table;
    std::uint64_t compressed = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = data.subspan(skippable_header_size + i * entry_size, table_entry_size);
        const ZstdEntry sizes{little_endian(entry.first(4)), little_endian(entry.last(4))};
        table.pieces.push_back({.offset = compressed,
                                .size = sizes.compressed_size,
                                .begin = 1,
                                .output_offset = table.output_size,
                                .output_size = sizes.size});
        compressed += sizes.compressed_size;
        table.output_size += sizes.size;
    }
    // Before the frames, there is nothing but our announcement.
    constexpr std::uint64_t announcement_size = skippable_header_size + announcement_text.size();
    if (compressed > begin) return std::nullopt;
    const auto base = begin - compressed;
    const bool announced =
        base == announcement_size &&
        std::ranges::equal(file.read(skippable_header_size, announcement_text.size()),
                           announcement_text);
    if (base != 0 && !announced) return std::nullopt;
    for (auto& piece : table.pieces) {
        piece.offset += base;
        if (!agrees_with_frame(piece, file)) return std::nullopt;
    }
    return table;
}

}  // namespace satchel::detail
