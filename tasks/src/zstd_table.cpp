// Reading the tables of zstd files: random access without decoding.
#include "codec_table.hpp"
#include "seek_table.hpp"
#include "zstd_decoder.hpp"
#include "zstd_format.hpp"

#include <algorithm>
#include <vector>

namespace satchel::detail {
namespace {

// A part of a file that ends with a table: where it begins, and its frames.
struct TabledPart {
    std::uint64_t begin = 0;
    std::vector<ZstdEntry> frames;
};

// Bytes of an announcement, which may stand at the front of such a part.
constexpr std::uint64_t announcement_size = skippable_header_size + announcement_text.size();

bool is_announcement(std::span<const std::byte> data) {
    return data.size() == announcement_size && little_endian(data.first(4)) == announcement_magic &&
           std::ranges::equal(data.subspan(skippable_header_size), announcement_text);
}

// The part that ends at `end` of the file; nothing if no table ends there.
std::optional<TabledPart> part_before(std::uint64_t end, const RandomAccess& file) {
    constexpr std::uint64_t least = skippable_header_size + table_footer_size;
    if (end < least) return std::nullopt;
    const Bytes footer = file.read(end - table_footer_size, table_footer_size);
    if (footer.size() != table_footer_size ||
        little_endian(std::span(footer).last(4)) != seekable_magic) {
        return std::nullopt;
    }
    const auto count = little_endian(std::span(footer).first(4));
    const bool has_checks = (footer[4] & std::byte{0x80}) != std::byte{0};
    const auto entry_size = table_entry_size + (has_checks ? 4U : 0U);
    const auto contents_size = count * entry_size + table_footer_size;
    if (count > pieces_max || contents_size > end - skippable_header_size) return std::nullopt;
    const auto begin = end - contents_size - skippable_header_size;
    // What the footer says is believed when the frame's header says so, too.
    const Bytes header = file.read(begin, skippable_header_size);
    const bool is_table = header.size() == skippable_header_size &&
                          little_endian(std::span(header).first(4)) == table_magic &&
                          little_endian(std::span(header).last(4)) == contents_size;
    if (!is_table) return std::nullopt;
    const Bytes contents = file.read(begin + skippable_header_size, contents_size);
    if (contents.size() != contents_size) return std::nullopt;
    const std::span<const std::byte> data(contents);
    TabledPart part{.begin = begin, .frames = {}};
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = data.subspan(i * entry_size, table_entry_size);
        const ZstdEntry sizes{little_endian(entry.first(4)), little_endian(entry.last(4))};
        const bool can_be_frame = sizes.compressed_size > 0 && sizes.compressed_size <= part.begin;
        if (!can_be_frame) return std::nullopt;
        part.begin -= sizes.compressed_size;
        part.frames.push_back(sizes);
    }
    return part;
}

// What the frame says of its contents, if it is one, and does.
std::uint64_t said_size(const SeekPiece& piece, const RandomAccess& file) {
    constexpr std::uint64_t header_size_max = 18;
    const Bytes header = file.read(piece.offset, header_size_max);
    return ZSTD_getFrameContentSize(header.data(), header.size());
}

// Adds the frames of a part. Nothing checks a table itself, so it is compared with the frames. What
// is no longer a frame at all is what somebody may want to read around.
bool add(SeekTable& table, const TabledPart& part, const RandomAccess& file) {
    auto offset = part.begin;
    for (const ZstdEntry& frame : part.frames) {
        const SeekPiece piece{.offset = offset,
                              .size = frame.compressed_size,
                              .begin = 1,
                              .output_offset = table.output_size,
                              .output_size = frame.size};
        const auto said = said_size(piece, file);
        if (said == ZSTD_CONTENTSIZE_UNKNOWN) {
            table.is_confirmed = false;
        } else if (said != piece.output_size && said != ZSTD_CONTENTSIZE_ERROR) {
            return false;
        }
        table.pieces.push_back(piece);
        offset += frame.compressed_size;
        table.output_size += frame.size;
    }
    return true;
}

}  // namespace

// Files that were put together have one table behind another.
std::optional<SeekTable> table_of_zstd_frames(const RandomAccess& file) {
    std::vector<TabledPart> parts;
    std::uint64_t pieces = 0;
    for (auto end = file.size; end != 0 || parts.empty();) {
        auto part = part_before(end, file);
        if (!part) return std::nullopt;
        pieces += part->frames.size() + 1;
        if (pieces > pieces_max) return std::nullopt;
        end = part->begin;
        if (end >= announcement_size &&
            is_announcement(file.read(end - announcement_size, announcement_size))) {
            end -= announcement_size;
        }
        parts.push_back(*std::move(part));
    }
    SeekTable table;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!add(table, *part, file)) return std::nullopt;
    }
    return table;
}

}  // namespace satchel::detail
