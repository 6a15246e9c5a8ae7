// xz: one stream of blocks that were compressed independently.
//
//     stream := header(12) | block … | index | footer(12)
//     block  := header with both sizes, LZMA2 data, CRC-64
//     index  := for every block, its size here ("unpadded") and its size decompressed
//
// `xz -T` writes the same. In a CompressedChunk, `data` is the block and `extra` its unpadded size.
// Files of the older .lzma format are read, as the xz tool does.
#include <satchel/tasks/codec.hpp>

#include "codec_table.hpp"
#include "lzma_memory.hpp"
#include "xz_decoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <new>

#include <fmt/format.h>
#include <lzma.h>

namespace satchel::detail {
namespace {

constexpr lzma_check check_kind = LZMA_CHECK_CRC64;  // xz's own default

const std::uint8_t* pointer(const std::byte* data) {
    return reinterpret_cast<const std::uint8_t*>(data);
}

std::uint8_t* pointer(std::byte* data) { return reinterpret_cast<std::uint8_t*>(data); }

// For calls that can only fail for want of memory or beyond the limits of the format.
void check_encoded(lzma_ret result) {
    if (result == LZMA_OK) return;
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    throw Error(
        fmt::format("cannot compress to xz: liblzma reports error {}", static_cast<int>(result)));
}

// The preset of `level`, with a dictionary no larger than the `chunk_size` bytes that it can refer
// to: the output is as small, and compressing takes less memory and time.
lzma_options_lzma preset(std::int64_t level, std::uint64_t chunk_size) {
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, static_cast<std::uint32_t>(level));
    const auto useful = std::max<std::uint64_t>(chunk_size, LZMA_DICT_SIZE_MIN);
    options.dict_size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(options.dict_size, useful));
    return options;
}

std::array<lzma_filter, 2> filters(lzma_options_lzma& options) {
    return {lzma_filter{LZMA_FILTER_LZMA2, &options}, lzma_filter{LZMA_VLI_UNKNOWN, nullptr}};
}

class XzJoiner : public Joiner {
  public:
    XzJoiner() : index_(lzma_index_init(nullptr)) {
        if (index_ == nullptr) throw std::bad_alloc();
        flags_.check = check_kind;
    }

    Bytes begin() override {
        Buffer out(LZMA_STREAM_HEADER_SIZE);
        check_encoded(lzma_stream_header_encode(&flags_, pointer(out.data())));
        return std::move(out).freeze();
    }

    Bytes append(const CompressedChunk& chunk) override {
        check_encoded(lzma_index_append(index_.get(), nullptr, chunk.extra, chunk.input_size));
        return chunk.data;
    }

    Bytes finish() override {
        flags_.backward_size = lzma_index_size(index_.get());
        const auto index_size = static_cast<std::size_t>(flags_.backward_size);
        Buffer out(index_size + LZMA_STREAM_HEADER_SIZE);
        std::size_t written = 0;
        check_encoded(
            lzma_index_buffer_encode(index_.get(), pointer(out.data()), &written, index_size));
        check_encoded(lzma_stream_footer_encode(&flags_, pointer(out.data() + written)));
        return std::move(out).freeze();
    }

  private:
    struct IndexEnd {
        void operator()(lzma_index* index) const { lzma_index_end(index, nullptr); }
    };

    lzma_stream_flags flags_{};
    std::unique_ptr<lzma_index, IndexEnd> index_;
};

constexpr std::initializer_list<unsigned> xz_magic{0xFD, '7', 'z', 'X', 'Z', 0};
constexpr std::size_t lzma_alone_header_size = 13;

// Whether `head` is the header of a .lzma file, which has no magic number: as the xz tool does,
// only what the known encoders write is believed.
bool is_lzma_alone(std::span<const std::byte> head) {
    if (head.size() < lzma_alone_header_size) return false;
    constexpr unsigned properties_end = 9 * 5 * 5;
    if (std::to_integer<unsigned>(head[0]) >= properties_end) return false;
    const auto dictionary = little_endian(head.subspan(1, 4));
    const bool usual = std::has_single_bit(dictionary) ||
                       (dictionary % 3 == 0 && std::has_single_bit(dictionary / 3)) ||
                       dictionary == std::numeric_limits<std::uint32_t>::max();
    const auto size = little_endian(head.subspan(5, 8));
    constexpr std::uint64_t size_max = std::uint64_t{1} << 38;
    return usual && (size < size_max || size == std::numeric_limits<std::uint64_t>::max());
}

class XzCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".xz", ""}, Suffix{".txz", ".tar"},
                                             Suffix{".lzma", ""}, Suffix{".tlz", ".tar"}};
        static constexpr CodecInfo info{.name = "xz",
                                        .suffix = ".xz",
                                        .suffixes = suffixes,
                                        .head_size = LZMA_STREAM_HEADER_SIZE,
                                        .padding = 4,
                                        .refuses_garbage = true};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return begins(head, xz_magic) || is_lzma_alone(head);
    }

    // A .lzma file has none. The stream's flags, two bytes behind the magic number, tell its kind.
    std::string_view check(std::span<const std::byte> data) const override {
        if (!begins(data, xz_magic)) return "None";
        if (data.size() < LZMA_STREAM_HEADER_SIZE) return {};
        switch (std::to_integer<unsigned>(data[7])) {
            case LZMA_CHECK_NONE:
                return "None";
            case LZMA_CHECK_CRC32:
                return "CRC32";
            case LZMA_CHECK_CRC64:
                return "CRC64";
            case LZMA_CHECK_SHA256:
                return "SHA-256";
            default:
                return {};
        }
    }

    // As `xz -T` does. Each chunk starts without history, which costs 3 % of the ratio with a chunk
    // of one dictionary and more with less.
    std::int64_t default_chunk_size(std::int64_t level) const override {
        constexpr auto whole = std::numeric_limits<std::uint32_t>::max();
        return 3 * static_cast<std::int64_t>(preset(level, whole).dict_size);
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        const auto resolved = resolve(options);
        auto lzma = preset(resolved.level, static_cast<std::uint64_t>(resolved.chunk_size));
        return lzma_raw_encoder_memusage(filters(lzma).data());
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        auto lzma = preset(checked_level(*this, chunk, options), chunk.size());
        auto chain = filters(lzma);
        lzma_block block{};
        block.check = check_kind;
        block.filters = chain.data();
        Buffer out(lzma_block_buffer_bound(chunk.size()));
        std::size_t size = 0;
        check_encoded(lzma_block_buffer_encode(&block, pooled_lzma_memory(), pointer(chunk.data()),
                                               chunk.size(), pointer(out.data()), &size,
                                               out.size()));
        out.resize(size);
        return {.data = std::move(out).freeze(),
                .input_size = chunk.size(),
                .extra = lzma_block_unpadded_size(&block)};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        static_cast<void>(resolve(options));
        return std::make_unique<XzJoiner>();
    }

    std::unique_ptr<Decoder> decoder() const override { return make_xz_decoder(); }

    std::unique_ptr<Splitter> splitter() const override { return make_xz_splitter(); }

    std::optional<SeekTable> seek_table(const RandomAccess& file) const override {
        return table_of_xz_index(file);
    }
};

}  // namespace

const Codec& xz_codec() {
    static const XzCodec codec;
    return codec;
}

}  // namespace satchel::detail
