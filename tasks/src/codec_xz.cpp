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

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

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

std::string_view text_of(lzma_ret result) {
    switch (result) {
        case LZMA_FORMAT_ERROR:
            return "not xz data: it does not begin with FD 37 7A 58 5A 00";
        case LZMA_OPTIONS_ERROR:
            return "cannot decode xz data: it uses options that this liblzma does not know";
        case LZMA_UNSUPPORTED_CHECK:
            return "cannot verify xz data: it has a check of a kind that this liblzma does not "
                   "know";
        default:
            return "damaged data: xz data is malformed or a check is wrong";
    }
}

class XzDecoder : public Decoder {
  public:
    XzDecoder() = default;
    XzDecoder(const XzDecoder&) = delete;
    XzDecoder& operator=(const XzDecoder&) = delete;
    ~XzDecoder() override { lzma_end(&stream_); }

    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        if (!started_ && input.empty()) return Status::needs_input;
        if (!started_) start(input.front());
        if (output.empty()) return Status::needs_output;
        stream_.next_in = pointer(input.data());
        stream_.avail_in = input.size();
        stream_.next_out = pointer(output.data());
        stream_.avail_out = output.size();
        const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
        offset_ += input.size() - stream_.avail_in;
        input = input.last(stream_.avail_in);
        output = output.last(stream_.avail_out);
        switch (result) {
            case LZMA_STREAM_END:
                return Status::finished;
            case LZMA_OK:
            case LZMA_BUF_ERROR:
                return output.empty() ? Status::needs_output : Status::needs_input;
            case LZMA_MEM_ERROR:
                throw std::bad_alloc();
            default:
                throw CorruptData(std::string(text_of(result)), offset_);
        }
    }

    void reset(std::uint64_t offset) override {
        started_ = false;
        offset_ = offset;
    }

  private:
    // A .lzma file holds one stream, so that format is possible at the start of a file only.
    void start(std::byte first) {
        constexpr std::byte xz_magic{0xFD};
        constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
        const lzma_ret result =
            first == xz_magic || offset_ != 0
                ? lzma_stream_decoder(&stream_, no_limit, LZMA_TELL_UNSUPPORTED_CHECK)
                : lzma_alone_decoder(&stream_, no_limit);
        if (result != LZMA_OK) throw std::bad_alloc();
        started_ = true;
    }

    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool started_ = false;
    std::uint64_t offset_ = 0;
};

class XzCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".xz", ""}, Suffix{".txz", ".tar"},
                                             Suffix{".lzma", ""}, Suffix{".tlz", ".tar"}};
        static constexpr CodecInfo info{.name = "xz",
                                        .suffix = ".xz",
                                        .suffixes = suffixes,
                                        .padding = 4,
                                        .refuses_garbage = true};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return begins(head, {0xFD, '7', 'z', 'X', 'Z', 0}) || is_lzma_alone(head);
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
        check_encoded(lzma_block_buffer_encode(&block, nullptr, pointer(chunk.data()), chunk.size(),
                                               pointer(out.data()), &size, out.size()));
        out.resize(size);
        return {.data = std::move(out).freeze(),
                .input_size = chunk.size(),
                .extra = lzma_block_unpadded_size(&block)};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        static_cast<void>(resolve(options));
        return std::make_unique<XzJoiner>();
    }

    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<XzDecoder>(); }
};

}  // namespace

const Codec& xz_codec() {
    static const XzCodec codec;
    return codec;
}

}  // namespace satchel::detail
