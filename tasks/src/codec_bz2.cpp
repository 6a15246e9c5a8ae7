// bzip2: one stream of blocks that were compressed independently.
//
//     stream := "BZh" level | block … | 177245385090 | combined CRC(32 bits) | zero bits to a byte
//     block  := 314159265359 | CRC(32 bits) | …              (a number of bits, not bytes)
//
// The bits of a block are put behind those of the block before, which moves them by some bits. The
// combined CRC follows from those of the blocks: for each, rotate left by one and exclusive-or.
//
// In a CompressedChunk, `data` holds the bits of all its blocks, `check` their combined CRC, and
// `extra` is the number of blocks times eight, plus the number of unused bits in the last byte.
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

// Puts strings of bits one behind the other.
class BitJoiner {
  public:
    /// The bytes that are complete with `bits`; up to seven bits wait for the next call.
    Bytes append(const BitString& bits) {
        if (bits.size == 0) return {};
        const std::uint64_t size = pending_size_ + bits.size;
        const auto whole = static_cast<std::size_t>(size / 8);
        const Bytes shifted = pending_size_ == 0 ? bits.data : shift(bits.data, (size + 7) / 8);
        pending_size_ = static_cast<unsigned>(size % 8);
        pending_ = pending_size_ == 0 ? std::byte{0}
                                      : shifted[whole] & std::byte{0xFF} << (8 - pending_size_);
        return shifted.slice(0, whole);
    }

    /// The byte that was begun, filled up with zeros; empty if there is none.
    [[nodiscard]] Bytes finish() const {
        if (pending_size_ == 0) return {};
        return bytes_of({std::to_integer<unsigned>(pending_)});
    }

    [[nodiscard]] unsigned pending_size() const { return pending_size_; }

  private:
    // `data`, moved towards its end by the pending bits, which come before it: `size` bytes.
    [[nodiscard]] Bytes shift(const Bytes& data, std::uint64_t size) const {
        const auto right = static_cast<int>(pending_size_);
        const int left = 8 - right;
        Buffer out(static_cast<std::size_t>(size));
        const auto* const in = data.data();
        auto* const to = out.data();
        to[0] = pending_ | in[0] >> right;
        for (std::size_t i = 1; i < data.size(); ++i) to[i] = in[i - 1] << left | in[i] >> right;
        if (size > data.size()) to[data.size()] = in[data.size() - 1] << left;
        return std::move(out).freeze();
    }

    std::byte pending_{0};  // in the highest bits, the others are zero
    unsigned pending_size_ = 0;
};

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
        const auto blocks = chunk.extra / 8;
        crc_ = combine(crc_, static_cast<std::uint32_t>(chunk.check), blocks);
        return bits_.append({chunk.data, chunk.data.size() * 8 - chunk.extra % 8});
    }

    Bytes finish() override {
        const auto trailer = [&](unsigned i) { return byte_of(crc_, 3 - i); };
        const BitString end{bytes_of({0x17, 0x72, 0x45, 0x38, 0x50, 0x90, trailer(0), trailer(1),
                                      trailer(2), trailer(3)}),
                            80};
        Buffer out;
        out.append(bits_.append(end));
        out.append(bits_.finish());
        return std::move(out).freeze();
    }

  private:
    std::int64_t level_;
    std::uint32_t crc_ = 0;
    BitJoiner bits_;
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
        std::uint64_t blocks = 0;
        std::uint32_t crc = 0;
        BitJoiner bits;
        Buffer data;
        while (!chunk.empty()) {
            const Bz2Block block = encode_bz2_block(chunk, level);
            chunk = chunk.subspan(block.used);
            crc = combine(crc, block.crc, 1);
            if (++blocks == 1 && chunk.empty()) {  // as nearly always
                result.data = block.bits.data;
                result.check = crc;
                result.extra = 8 + (8 - block.bits.size % 8) % 8;
                return result;
            }
            data.append(bits.append(block.bits));
        }
        data.append(bits.finish());
        result.data = std::move(data).freeze();
        result.check = crc;
        result.extra = blocks * 8 + (8 - bits.pending_size()) % 8;
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
