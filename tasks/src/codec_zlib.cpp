// zlib (RFC 1950): one stream of deflate chunks.
//
//     stream := 78 flags | deflate stream | Adler-32(4, big-endian)
//
// The format knows no concatenation: most readers stop after the first stream and say nothing. So
// one stream is written, whatever the number of chunks; files of several are read to their end.
#include <satchel/tasks/codec.hpp>

#include "codec_table.hpp"
#include "deflate.hpp"

#include <array>

namespace satchel::detail {
namespace {

constexpr unsigned method = 0x78;  // deflate with a window of 32 KiB

// The second byte: two bits that tell how hard the compressor tried, and a remainder that makes the
// two bytes, as a big-endian number, a multiple of 31.
constexpr unsigned flags(std::int64_t level) {
    const unsigned effort = level < 2 ? 0 : level < 6 ? 1 : level == 6 ? 2 : 3;
    const unsigned flags = effort << 6;
    return flags + (31 - (method << 8 | flags) % 31);
}

class ZlibJoiner : public Joiner {
  public:
    explicit ZlibJoiner(std::int64_t level) : level_(level) {}

    Bytes begin() override { return bytes_of({method, flags(level_)}); }

    Bytes append(const CompressedChunk& chunk) override {
        adler_ = adler32_join(adler_, static_cast<std::uint32_t>(chunk.check), chunk.input_size);
        return chunk.data;
    }

    Bytes finish() override {
        return bytes_of({0x03, 0x00,  // a final block without contents
                         byte_of(adler_, 3), byte_of(adler_, 2), byte_of(adler_, 1),
                         byte_of(adler_, 0)});
    }

  private:
    std::int64_t level_;
    std::uint32_t adler_ = adler32_initial;
};

class ZlibDecoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        return inflater_.decode(input, output);
    }

    void reset(std::uint64_t offset) override { inflater_.reset(offset); }

  private:
    Inflater inflater_{Inflater::Format::zlib};
};

class ZlibCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".zz", ""}, Suffix{".zlib", ""}};
        static constexpr CodecInfo info{
            .name = "zlib", .suffix = ".zz", .suffixes = suffixes, .concatenates = false};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        if (head.size() < 2) return false;
        const auto first = std::to_integer<unsigned>(head[0]);
        const auto second = std::to_integer<unsigned>(head[1]);
        const bool deflate = (first & 0x0F) == 8 && first >> 4 <= 7;
        return deflate && (first << 8 | second) % 31 == 0;
    }

    std::int64_t default_chunk_size(std::int64_t /*level*/) const override {
        return deflate_chunk_size;
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        static_cast<void>(resolve(options));
        return deflate_memory();
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        return {.data = deflate_chunk(chunk, checked_level(*this, chunk, options)),
                .input_size = chunk.size(),
                .check = adler32_append(adler32_initial, chunk)};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<ZlibJoiner>(resolve(options).level);
    }

    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<ZlibDecoder>(); }
};

}  // namespace

const Codec& zlib_codec() {
    static const ZlibCodec codec;
    return codec;
}

}  // namespace satchel::detail
