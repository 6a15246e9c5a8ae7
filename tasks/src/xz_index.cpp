// The index at the end of an xz stream, as a table; those of streams that follow each other are
// read one before the other, from the end of the file.
#include "seek_table.hpp"
#include "xz_decoder.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include <lzma.h>

namespace satchel::detail {
namespace {

constexpr std::uint64_t block_size = std::uint64_t{64} << 10;

struct EndIndex {
    void operator()(lzma_index* index) const { lzma_index_end(index, nullptr); }
};
using Index = std::unique_ptr<lzma_index, EndIndex>;

class IndexReader {
  public:
    explicit IndexReader(const RandomAccess& file) : file_(file) {}
    IndexReader(const IndexReader&) = delete;
    IndexReader& operator=(const IndexReader&) = delete;
    ~IndexReader() { lzma_end(&stream_); }

    // Nothing if the file has none, or a damaged one.
    Index read() {
        lzma_index* index = nullptr;
        lzma_ret result = lzma_file_info_decoder(&stream_, &index, table_memory_max, file_.size);
        while (result == LZMA_OK || result == LZMA_SEEK_NEEDED) {
            if (result == LZMA_SEEK_NEEDED) seek(stream_.seek_pos);
            if (stream_.avail_in == 0 && !fill()) return nullptr;
            result = lzma_code(&stream_, LZMA_RUN);
        }
        if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
        return result == LZMA_STREAM_END ? Index(index) : nullptr;
    }

  private:
    void seek(std::uint64_t position) {
        position_ = position;
        stream_.avail_in = 0;
    }

    bool fill() {
        block_ = file_.read(position_, std::min(block_size, file_.size - position_));
        position_ += block_.size();
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(block_.data());
        stream_.avail_in = block_.size();
        return !block_.empty();
    }

    const RandomAccess& file_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    std::uint64_t position_ = 0;
    Bytes block_;
};

}  // namespace

std::optional<SeekTable> table_of_xz_index(const RandomAccess& file) {
    const Index index = IndexReader(file).read();
    if (!index || lzma_index_block_count(index.get()) > pieces_max) return std::nullopt;
    SeekTable table{.output_size = lzma_index_uncompressed_size(index.get())};
    lzma_index_iter iterator;
    lzma_index_iter_init(&iterator, index.get());
    while (lzma_index_iter_next(&iterator, LZMA_INDEX_ITER_NONEMPTY_BLOCK) == 0) {
        const auto& block = iterator.block;
        table.pieces.push_back({.offset = block.compressed_file_offset,
                                .size = block.total_size,
                                .begin = 1,
                                .end = static_cast<std::uint64_t>(iterator.stream.flags->check),
                                .output_offset = block.uncompressed_file_offset,
                                .output_size = block.uncompressed_size});
    }
    // An index that calls a block empty is rather damaged; who decodes the file will see.
    if (table.pieces.size() != lzma_index_block_count(index.get())) return std::nullopt;
    return table;
}

}  // namespace satchel::detail
