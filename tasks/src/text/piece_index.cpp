// The indices at the ends of .xz and .zst files.
#include "codec_table.hpp"
#include "text/pieces.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include <lzma.h>

namespace satchel::detail {
namespace {

struct EndIndex {
    void operator()(lzma_index* index) const { lzma_index_end(index, nullptr); }
};
using XzIndex = std::unique_ptr<lzma_index, EndIndex>;

// Reads the indices of all streams of a file, from its end to its start.
class XzIndexReader {
  public:
    explicit XzIndexReader(const InputFile& file) : file_(file) {}
    XzIndexReader(const XzIndexReader&) = delete;
    XzIndexReader& operator=(const XzIndexReader&) = delete;
    ~XzIndexReader() { lzma_end(&stream_); }

    XzIndex read() {
        lzma_index* index = nullptr;
        const auto size = static_cast<std::uint64_t>(file_.status().size);
        check(lzma_file_info_decoder(&stream_, &index, memory_max, size));
        std::int64_t offset = 0;
        lzma_ret result = LZMA_OK;
        while (result != LZMA_STREAM_END) {
            const auto read = file_.read_at(offset, buffer_);
            offset += static_cast<std::int64_t>(read);
            stream_.next_in = reinterpret_cast<const std::uint8_t*>(buffer_.data());
            stream_.avail_in = read;
            result = lzma_code(&stream_, read == 0 ? LZMA_FINISH : LZMA_RUN);
            if (result == LZMA_SEEK_NEEDED) {
                offset = static_cast<std::int64_t>(stream_.seek_pos);
            } else {
                check(result);
            }
        }
        return XzIndex(index);
    }

  private:
    static constexpr std::uint64_t memory_max = std::uint64_t{1} << 30;

    void check(lzma_ret result) const {
        if (result == LZMA_OK || result == LZMA_STREAM_END) return;
        if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
        throw CorruptData("the index of the xz data is damaged or cut off",
                          static_cast<std::uint64_t>(file_.status().size));
    }

    const InputFile& file_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    std::array<std::byte, 8192> buffer_{};
};

}  // namespace

std::vector<IndexedPiece> xz_index(const InputFile& file) {
    const auto index = XzIndexReader(file).read();
    std::vector<IndexedPiece> pieces;
    lzma_index_iter block;
    lzma_index_iter_init(&block, index.get());
    while (lzma_index_iter_next(&block, LZMA_INDEX_ITER_NONEMPTY_BLOCK) == 0) {
        pieces.push_back({static_cast<std::int64_t>(block.block.compressed_file_offset),
                          static_cast<std::int64_t>(block.block.total_size),
                          static_cast<std::uint64_t>(block.stream.flags->check)});
    }
    return pieces;
}

// See codec_zstd.cpp for the format. What stands before the first frame is skippable.
std::vector<IndexedPiece> zstd_index(const InputFile& file) {
    constexpr std::int64_t footer_size = 9;
    constexpr std::int64_t frame_header_size = 8;
    constexpr std::uint64_t table_magic = 0x184D'2A5E;
    constexpr std::uint64_t seekable_magic = 0x8F92'EAB1;
    constexpr unsigned has_checks = 0x80;

    const auto size = file.status().size;
    if (size < footer_size) return {};
    const Bytes footer = file.read_at(size - footer_size, footer_size);
    const std::span<const std::byte> end(footer);
    if (end.size() < footer_size || little_endian(end.last(4)) != seekable_magic) return {};
    const auto count = static_cast<std::int64_t>(little_endian(end.first(4)));
    const auto descriptor = std::to_integer<unsigned>(end[4]);
    const std::int64_t entry_size = (descriptor & has_checks) != 0 ? 12 : 8;
    const auto table_size = count * entry_size;
    const auto table_begin = size - footer_size - table_size;
    if (table_begin < frame_header_size) return {};
    const Bytes table =
        file.read_at(table_begin - frame_header_size, frame_header_size + table_size);
    const std::span<const std::byte> entries(table);
    if (little_endian(entries.first(4)) != table_magic) return {};

    std::vector<IndexedPiece> pieces;
    auto offset = table_begin - frame_header_size;
    for (auto k = count; k-- > 0;) {
        const auto at = static_cast<std::size_t>(frame_header_size + k * entry_size);
        const auto frame = static_cast<std::int64_t>(little_endian(entries.subspan(at, 4)));
        offset -= frame;
        if (offset < 0) return {};
        if (little_endian(entries.subspan(at + 4, 4)) != 0) pieces.push_back({offset, frame, 0});
    }
    std::ranges::reverse(pieces);
    return pieces;
}

}  // namespace satchel::detail
