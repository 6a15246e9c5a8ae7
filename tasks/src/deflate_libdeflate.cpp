// Continuing libdeflate's complete streams: the mark of the last block is cleared and an empty
// stored block put behind it, as if the compressor had been flushed.
//
// The levels are used as they are, measured on text, logs, sources and programs: each is faster
// than zlib's of the same number, mostly with a better ratio. Level 6 is the exception, because
// what it is compared with, `gzip -6`, is everywhere: there, a sample of each chunk chooses, see
// level_like_zlib().
#include "deflate_libdeflate.hpp"

#include "deflate.hpp"
#include "deflate_walk.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <vector>

#include <libdeflate.h>

namespace satchel::detail {
namespace {

struct FreeDecompressor {
    void operator()(libdeflate_decompressor* decompressor) const {
        libdeflate_free_decompressor(decompressor);
    }
};

struct FreeCompressor {
    void operator()(libdeflate_compressor* compressor) const {
        libdeflate_free_compressor(compressor);
    }
};

// The compressors of a thread, kept from chunk to chunk: up to 670 kB each. A thread uses one
// level, or the three between which level 6 chooses.
class ThreadCompressors {
  public:
    libdeflate_compressor* of_level(int level) {
        auto& compressor = compressors_.at(static_cast<std::size_t>(level));
        if (!compressor) compressor.reset(libdeflate_alloc_compressor(level));
        if (!compressor) throw std::bad_alloc();
        return compressor.get();
    }

  private:
    std::array<std::unique_ptr<libdeflate_compressor, FreeCompressor>, 10> compressors_;
};

constexpr int usual_level = 6;

// Chunks of less than this are compressed before a sample would tell how.
constexpr std::size_t sampled_chunk_min = std::size_t{512} << 10;
constexpr std::size_t sample_size = std::size_t{32} << 10;
constexpr std::size_t samples = 2;

// How large `compress` makes some samples of the chunk.
template <class Compress>
double sampled_size(std::span<const std::byte> chunk, Compress compress) {
    double size = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto middle = chunk.size() * (2 * i + 1) / (2 * samples);
        size += static_cast<double>(compress(chunk.subspan(middle - sample_size / 2, sample_size)));
    }
    return size;
}

// Makes the complete stream of `size` bytes in `out` one that another can follow: byte-aligned, its
// last block not final. Gives the new size, 0 if there is no such stream. There is room for a
// border.
std::size_t reopen(Buffer& out, std::size_t size) {
    const auto last = find_last_block(std::span<const std::byte>(out).first(size));
    if (!last || (last->end + 7) / 8 != size) return 0;
    out.data()[last->begin / 8] &= ~(std::byte{1} << last->begin % 8);
    // The stored block's header is three zero bits, then zeros up to the next byte.
    const auto unused = size * 8 - last->end;
    out.data()[size - 1] &= std::byte{0xFF} >> unused;
    if (unused < 3) out.data()[size++] = std::byte{0};
    std::ranges::copy(empty_stored_block, out.data() + size);
    return size + empty_stored_block.size();
}

// The level at which the chunk becomes about as small as at zlib's level 6, or smaller. Our level 5
// does that for logs, JSON and programs, with half the work of level 6; sources and prose need
// level 6; and headers with long repetitions, which zlib looks for longer, level 7. Samples of a
// thirtieth of the chunk tell how level 5 and zlib compare; on all of it the difference is about
// the same.
int level_like_zlib(std::span<const std::byte> chunk, ThreadCompressors& compressors) {
    if (chunk.size() < sampled_chunk_min) return usual_level;
    std::vector<std::byte> out(2 * sample_size);
    const double ours = sampled_size(chunk, [&](auto sample) {
        return libdeflate_deflate_compress(compressors.of_level(5), sample.data(), sample.size(),
                                           out.data(), out.size());
    });
    const double zlibs =
        sampled_size(chunk, [&](auto sample) { return zlib_size(sample, usual_level, out); });
    constexpr double fair = 1.00;
    constexpr double poor = 1.02;
    return ours <= fair * zlibs ? 5 : ours <= poor * zlibs ? 6 : 7;
}

}  // namespace

std::optional<Bytes> libdeflate_chunk(std::span<const std::byte> chunk, int level) {
    thread_local ThreadCompressors compressors;
    if (level == usual_level) level = level_like_zlib(chunk, compressors);
    libdeflate_compressor* const compressor = compressors.of_level(level);
    const auto bound = libdeflate_deflate_compress_bound(compressor, chunk.size());
    Buffer out(bound + 1 + empty_stored_block.size() + second_border.size());
    auto size =
        libdeflate_deflate_compress(compressor, chunk.data(), chunk.size(), out.data(), bound);
    if (size != 0) size = reopen(out, size);
    if (size == 0) return std::nullopt;
    std::ranges::copy(second_border, out.data() + size);
    out.resize(size + second_border.size());
    return std::move(out).freeze();
}

InflatedWhole libdeflate_inflate_whole(std::span<const std::byte> data,
                                       std::span<std::byte> output) {
    thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor;
    if (!decompressor) decompressor.reset(libdeflate_alloc_decompressor());
    if (!decompressor) throw std::bad_alloc();
    InflatedWhole whole;
    switch (libdeflate_deflate_decompress_ex(decompressor.get(), data.data(), data.size(),
                                             output.data(), output.size(), &whole.input_size,
                                             &whole.output_size)) {
        case LIBDEFLATE_SUCCESS:
            whole.result = InflatedWhole::Result::ended;
            break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            whole.result = InflatedWhole::Result::no_room;
            break;
        default:
            break;
    }
    return whole;
}

}  // namespace satchel::detail
