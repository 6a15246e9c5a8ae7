// bzip2: one stream of blocks that were compressed independently.
//
//     stream := "BZh" level | block … | 177245385090 | combined CRC(32 bits)
//     block  := 314159265359 | CRC(32 bits) | …
//
// Blocks may begin at any bit; ours are whole bytes. The combined CRC follows from those of the
// blocks: for each, rotate left by one and exclusive-or.
//
// In a CompressedChunk, `data` holds all its blocks, `check` is their combined CRC, and `extra`
// their number.
#include <satchel/tasks/codec.hpp>

#include "bz2_block_encoder.hpp"
#include "bz2_decoder.hpp"
#include "codec_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace satchel::detail {
namespace {

std::uint32_t combine(std::uint32_t crc, std::uint32_t next_crc, std::uint64_t next_blocks) {
    return std::rotl(crc, static_cast<int>(next_blocks % 32)) ^ next_crc;
}

class Bz2Joiner : public Joiner {
  public:
    explicit Bz2Joiner(std::int64_t level) : level_(level) {}

    Bytes begin() override {
        return bytes_of({'B', 'Z', 'h', static_cast<unsigned>('0' + level_)});
    }

    Bytes append(const CompressedChunk& chunk) override {
        crc_ = combine(crc_, static_cast<std::uint32_t>(chunk.check), chunk.extra);
        return chunk.data;
    }

    Bytes finish() override {
        const auto trailer = [&](unsigned i) { return byte_of(crc_, 3 - i); };
        return bytes_of(
            {0x17, 0x72, 0x45, 0x38, 0x50, 0x90, trailer(0), trailer(1), trailer(2), trailer(3)});
    }

  private:
    std::int64_t level_;
    std::uint32_t crc_ = 0;
};

class Bz2Codec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".bz2", ""}, Suffix{".bz", ""},
                                             Suffix{".tbz2", ".tar"}, Suffix{".tbz", ".tar"}};
        static constexpr CodecInfo info{.name = "bz2",
                                        .suffix = ".bz2",
                                        .suffixes = suffixes,
                                        .level_default = 9,
                                        .head_size = 4};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        const bool level_is_known =
            head.size() < 4 || (head[3] >= std::byte{'1'} && head[3] <= std::byte{'9'});
        return begins(head, {'B', 'Z', 'h'}) && level_is_known;
    }

    std::string_view check(std::span<const std::byte> /*data*/) const override { return "CRC32"; }

    // What one block holds: a chunk of 900 000 would often leave a second block of twenty bytes.
    std::int64_t default_chunk_size(std::int64_t level) const override {
        return static_cast<std::int64_t>(bz2_block_capacity(level));
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        return bz2_block_memory(resolve(options).level);
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        const int level = checked_level(*this, chunk, options);
        CompressedChunk result{.input_size = chunk.size()};
        std::uint32_t crc = 0;
        Buffer data;
        while (!chunk.empty()) {
            const Bz2Block block = encode_bz2_block(chunk, level);
            chunk = chunk.subspan(block.used);
            crc = combine(crc, block.crc, 1);
            ++result.extra;
            if (chunk.empty() && data.size() == 0) {  // as nearly always
                result.data = block.data;
            } else {
                data.append(block.data);
            }
        }
        if (data.size() != 0) result.data = std::move(data).freeze();
        result.check = crc;
        return result;
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<Bz2Joiner>(resolve(options).level);
    }

    std::unique_ptr<Decoder> decoder() const override { return make_bz2_decoder(); }

    std::unique_ptr<Splitter> splitter() const override { return make_bz2_splitter(); }
};

}  // namespace

const Codec& bz2_codec() {
    static const Bz2Codec codec;
    return codec;
}

}  // namespace satchel::detail
